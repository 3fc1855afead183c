-- A renewal updates in place; with room on the page it touches no index.
ALTER TABLE locking SET (fillfactor = 70);
--> statement-breakpoint
-- locking_renew: lets grants last longer, each only if it is held still on all of its keys.
--
-- p_plain: a JSON array of { n, id, solo, lease }, the renewals of one key; solo is its place in p_keys. No grant is named twice, and no
-- lease shorter than CHECK_INTERVAL. p_others: { n, id, keys, lease }, or null. It needs the keys' locks: whoever looks at a lease that is just ending must see either it
-- or what became of it. Replies: a row with n for each renewal that succeeded, those that are missing are lost; rows without n
-- tell waiters of p_channel.
CREATE OR REPLACE FUNCTION locking_renew(
  p_namespace text, p_hashes bigint[], p_keys text[], p_plain json, p_others json, p_channel text
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_done text;
  v_held bigint;
  v_latest timestamptz;
  v_hashes bigint[];
  v_keys text[];
  v_rows tid[];
  c record;
BEGIN
  v_done := locking_enter(p_hashes)::text;
  v_now := clock_timestamp();
  RETURN QUERY
    UPDATE locking l SET expires_at = locking_until(v_now, t.lease), provisional = false
      FROM json_to_recordset(p_plain) AS t(n integer, id text, solo integer, lease double precision)
     CROSS JOIN LATERAL (
       SELECT o.ctid AS at FROM locking o
        WHERE o.namespace = p_namespace AND o.hash = p_hashes[t.solo] AND o.claim_id = t.id AND o.key = p_keys[t.solo]
          AND o.expires_at > v_now OFFSET 0) AS found
     WHERE l.ctid = found.at
    RETURNING t.n, 'renewed', t.id, NULL::bigint, NULL::bigint, t.lease;

  IF p_others IS NULL THEN
    RETURN;
  END IF;
  FOR c IN
    SELECT t.* FROM json_to_recordset(p_others) AS t(n integer, id text, keys integer[], lease double precision) ORDER BY t.n
  LOOP
    SELECT array_agg(p_hashes[u.at]), array_agg(p_keys[u.at]) INTO v_hashes, v_keys FROM unnest(c.keys) AS u(at);
    v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
    SELECT count(*), max(l.expires_at) INTO v_held, v_latest FROM locking l WHERE l.ctid = ANY (v_rows) AND l.expires_at > v_now;
    IF v_held = cardinality(c.keys) THEN
      UPDATE locking SET expires_at = locking_until(v_now, c.lease), provisional = false WHERE ctid = ANY (v_rows);
      n := c.n; outcome := 'renewed'; id := c.id; ms := c.lease;
      RETURN NEXT;
      -- 3,000: CHECK_INTERVAL. Whoever waits was told of a later end.
      CONTINUE WHEN c.lease >= 3000 OR v_latest < locking_until(v_now, c.lease);
      RETURN QUERY
        SELECT NULL::integer, h.outcome, h.id, h.fence, h.place, h.ms
          FROM locking_advance(p_namespace, v_hashes, v_keys, p_hashes, NULL, p_channel, true) AS h WHERE h.told = p_channel;
    END IF;
  END LOOP;
END
$$;
