-- locking_release_all: frees, of what p_owner holds (null: of the whole namespace), up to p_size keys whose hashes are greater than p_after,
-- and hands them on. In slices, since each key needs a lock in the server's table of locks. Only what was granted
-- before p_bound, so that it ends even where others go on taking; what a later grant took over was, and is not brought back when that
-- is withdrawn. Replies: a row without outcome first, whose fence is the bound for
-- the next slice and whose place is the hash to go on after, null when this was the last; then what was handed to
-- waiters of p_channel.
CREATE OR REPLACE FUNCTION locking_release_all(
  p_namespace text, p_channel text, p_owner text, p_bound bigint, p_after bigint, p_size integer
) RETURNS TABLE (outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_hashes bigint[];
  v_freed bigint[];
  v_keys text[];
  a record;
BEGIN
  p_bound := coalesce(p_bound, nextval('locking_sequence'));
  IF p_owner IS NULL THEN
    SELECT array_agg(s.hash) INTO v_hashes FROM (
      SELECT DISTINCT l.hash FROM locking l
       WHERE l.namespace = p_namespace AND l.hash > p_after
         AND (l.token < p_bound OR (l.prior->>'token')::bigint < p_bound)
       ORDER BY l.hash LIMIT p_size) AS s;
  ELSE
    SELECT array_agg(s.hash) INTO v_hashes FROM (
      SELECT DISTINCT l.hash FROM locking l
       WHERE l.namespace = p_namespace AND l.owner_id = p_owner AND l.hash > p_after
         AND (l.token < p_bound OR (l.prior->>'token')::bigint < p_bound)
       ORDER BY l.hash LIMIT p_size) AS s;
  END IF;
  fence := p_bound;
  place := CASE WHEN cardinality(v_hashes) = p_size THEN v_hashes[p_size] END;
  RETURN NEXT;
  IF v_hashes IS NULL THEN
    RETURN;
  END IF;

  PERFORM locking_enter(v_hashes);
  UPDATE locking l SET prior = NULL
   WHERE l.namespace = p_namespace AND l.hash = ANY (v_hashes) AND (p_owner IS NULL OR l.owner_id = p_owner)
     AND l.token >= p_bound AND (l.prior->>'token')::bigint < p_bound;
  WITH gone AS (
    DELETE FROM locking WHERE ctid = ANY (ARRAY(
      SELECT found.at FROM unnest(v_hashes) AS u(hash)
       CROSS JOIN LATERAL (
         SELECT l.ctid AS at FROM locking l
          WHERE l.namespace = p_namespace AND l.hash = u.hash AND l.token < p_bound AND (p_owner IS NULL OR l.owner_id = p_owner)
         OFFSET 0) AS found))
    RETURNING hash, key
  )
  SELECT array_agg(g.hash), array_agg(g.key) INTO v_freed, v_keys FROM (SELECT DISTINCT gone.hash, gone.key FROM gone) AS g;

  FOR a IN
    SELECT h.* FROM locking_waited_for(p_namespace, v_freed, v_keys) AS w,
           locking_advance(p_namespace, w.hashes, w.keys, v_hashes, NULL, p_channel, false) AS h
     WHERE h.told = p_channel
  LOOP
    outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
    RETURN NEXT;
  END LOOP;
END
$$;
