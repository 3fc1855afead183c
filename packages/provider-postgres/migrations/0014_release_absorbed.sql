-- locking_release_absorbed: locking_release for grants that were not there, of p_grants as its p_others. Later ones of their owners may have taken
-- them over, and bring them back when they are withdrawn: that is forgotten first.
--
-- Both under the same locks, and in statements that begin when these are had: whoever takes a grant over just before is seen, and nobody
-- does so in between.
CREATE OR REPLACE FUNCTION locking_release_absorbed(
  p_namespace text, p_channel text, p_hashes bigint[], p_keys text[], p_grants json
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text := locking_enter(p_hashes)::text;
  v_commit text := current_setting('synchronous_commit');
  v_forgot boolean;
BEGIN
  UPDATE locking l SET prior = NULL
   WHERE l.namespace = p_namespace AND l.hash = ANY (p_hashes)
     AND l.prior->>'claim_id' IN (SELECT g.id FROM json_to_recordset(p_grants) AS g(id text));
  v_forgot := FOUND;
  RETURN QUERY SELECT * FROM locking_release(p_namespace, p_channel, p_hashes, p_keys, '[]', p_grants);
  -- Lost in a crash of the server, it would cost more than the rest of a lease.
  IF v_forgot THEN
    v_done := set_config('synchronous_commit', v_commit, true);
  END IF;
END
$$;
