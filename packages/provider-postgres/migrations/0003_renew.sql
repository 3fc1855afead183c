-- A renewal updates in place; with room on the page it touches no index.
ALTER TABLE locking SET (fillfactor = 70);
--> statement-breakpoint
-- locking_renew: lets grants last longer, each only if it is held still on all of its keys.
--
-- p_renewals: a JSON array of { n, id, solo, keys, lease }; solo is the place of the only key of a grant that no earlier renewal of the call
-- names. It needs the keys' locks: whoever looks at a lease that is just ending must see either it or what became of it.
-- Replies: a row for each renewal that succeeded; those that are missing are lost.
CREATE OR REPLACE FUNCTION locking_renew(p_namespace text, p_hashes bigint[], p_keys text[], p_renewals json)
RETURNS TABLE (n integer, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_held bigint;
  v_hashes bigint[];
  v_keys text[];
  v_rows tid[];
  c record;
BEGIN
  PERFORM locking_enter(p_hashes);
  v_now := clock_timestamp();
  RETURN QUERY
    UPDATE locking l SET expires_at = locking_until(v_now, t.lease), provisional = false
      FROM json_to_recordset(p_renewals) AS t(n integer, id text, solo integer, lease double precision)
     CROSS JOIN LATERAL (
       SELECT o.ctid AS at FROM locking o
        WHERE o.namespace = p_namespace AND o.hash = p_hashes[t.solo] AND o.claim_id = t.id AND o.key = p_keys[t.solo]
          AND o.expires_at > v_now OFFSET 0) AS found
     WHERE t.solo IS NOT NULL AND l.ctid = found.at
    RETURNING t.n, t.lease;

  FOR c IN
    SELECT t.* FROM json_to_recordset(p_renewals) AS t(n integer, id text, solo integer, keys integer[], lease double precision)
     WHERE t.solo IS NULL ORDER BY t.n
  LOOP
    SELECT array_agg(p_hashes[u.at]), array_agg(p_keys[u.at]) INTO v_hashes, v_keys FROM unnest(c.keys) AS u(at);
    v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
    SELECT count(*) INTO v_held FROM locking l WHERE l.ctid = ANY (v_rows) AND l.expires_at > v_now;
    IF v_held = cardinality(c.keys) THEN
      UPDATE locking SET expires_at = locking_until(v_now, c.lease), provisional = false WHERE ctid = ANY (v_rows);
      n := c.n; ms := c.lease;
      RETURN NEXT;
    END IF;
  END LOOP;
END
$$;
