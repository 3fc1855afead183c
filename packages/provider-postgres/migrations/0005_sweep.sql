-- locking_sweep: removes what expired a while ago and nobody touched since. It looks at p_pages pages of the table from p_page on, in their
-- physical order, which needs no index (one on expires_at would make each renewal write to it).
--
-- What has expired never comes to life again, so it may go without the keys' advisory locks. It skips rows that are locked: it
-- never waits, so it can't be part of a deadlock. p_page: null begins anywhere. Replies with the page to go on at.
CREATE OR REPLACE FUNCTION locking_sweep(p_page bigint, p_pages integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_before timestamptz := clock_timestamp() - interval '10 s';
  v_end bigint := pg_relation_size('locking') / current_setting('block_size')::bigint;
BEGIN
  PERFORM set_config('synchronous_commit', 'off', true);
  p_page := coalesce(p_page, floor(random() * v_end)::bigint);
  IF p_page >= v_end THEN
    p_page := 0;
  END IF;
  DELETE FROM locking WHERE ctid = ANY (ARRAY(
    SELECT l.ctid FROM locking l
     WHERE l.ctid >= format('(%s,0)', p_page)::tid AND l.ctid < format('(%s,0)', p_page + p_pages)::tid
       AND l.expires_at < v_before
       FOR UPDATE SKIP LOCKED));
  DELETE FROM locking_queue WHERE ctid = ANY (ARRAY(
    SELECT q.ctid FROM locking_queue q WHERE q.expires_at < v_before LIMIT 1000 FOR UPDATE SKIP LOCKED));
  DELETE FROM locking_withdrawn WHERE ctid = ANY (ARRAY(
    SELECT w.ctid FROM locking_withdrawn w WHERE w.expires_at < v_before LIMIT 1000 FOR UPDATE SKIP LOCKED));
  RETURN p_page + p_pages;
END
$$;
