-- locking_release: frees grants, withdraws claims, frees what an owner holds, and hands the keys on.
--
-- p_plain: a JSON array of { n, id, solo }, the grants of one key that are freed without a tombstone; solo is the key's place in p_keys. No
-- grant is named twice. p_others: { n, how, id, owner, keys, tombstone }, or null. Replies: a row with n for each release that
-- freed all it named; rows without n tell what was handed to waiters of p_channel.
--
-- A release need not wait for the disk: lost in a crash of the server, it costs what was left of the lease. That is only taken
-- where it is no more than a minute, and never for a grant that is handed on.
CREATE OR REPLACE FUNCTION locking_release(
  p_namespace text, p_channel text, p_hashes bigint[], p_keys text[], p_plain json, p_others json
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz;
  v_freed integer[];
  v_durable boolean;
  v_done text;
  v_restored boolean := false;
  v_count bigint;
  v_rows tid[];
  v_hashes bigint[];
  v_keys text[];
  a record;
  c record;
  r record;
BEGIN
  v_done := locking_enter(p_hashes)::text;
  v_now := clock_timestamp();

  WITH gone AS (
    DELETE FROM locking l
     USING json_to_recordset(p_plain) AS t(n integer, id text, solo integer)
     CROSS JOIN LATERAL (
       SELECT o.ctid AS at FROM locking o
        WHERE o.namespace = p_namespace AND o.hash = p_hashes[t.solo] AND o.claim_id = t.id AND o.key = p_keys[t.solo] OFFSET 0
     ) AS found
     WHERE l.ctid = found.at
    RETURNING t.n, l.expires_at
  )
  SELECT coalesce(array_agg(g.n) FILTER (WHERE g.expires_at > v_now), '{}'),
         coalesce(bool_or(g.expires_at > v_now + interval '1 minute'), false) INTO v_freed, v_durable
    FROM gone g;

  IF p_others IS NOT NULL THEN
    FOR c IN
      SELECT t.* FROM json_to_recordset(p_others) AS t(
               n integer, how text, id text, owner text, keys integer[], tombstone boolean)
       ORDER BY t.n
    LOOP
      SELECT array_agg(p_hashes[u.at]), array_agg(p_keys[u.at]) INTO v_hashes, v_keys FROM unnest(c.keys) AS u(at);
      CASE c.how
        WHEN 'grant' THEN
          v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
          WITH gone AS (DELETE FROM locking WHERE ctid = ANY (v_rows) RETURNING expires_at)
          SELECT count(*) FILTER (WHERE g.expires_at > v_now) AS keys, max(g.expires_at) AS expires_at INTO r FROM gone g;
          IF r.keys = cardinality(c.keys) THEN
            v_freed := v_freed || c.n;
          END IF;
        WHEN 'owner' THEN
          WITH gone AS (
            DELETE FROM locking WHERE ctid = ANY (ARRAY(
              SELECT found.at FROM unnest(v_hashes, v_keys) AS w(hash, key)
               CROSS JOIN LATERAL (
                 SELECT l.ctid AS at FROM locking l
                  WHERE l.namespace = p_namespace AND l.hash = w.hash AND l.key = w.key AND l.kind = 'acquire'
                    AND l.owner_id IS NOT DISTINCT FROM c.owner OFFSET 0) AS found))
            RETURNING key, expires_at
          )
          SELECT count(DISTINCT g.key) FILTER (WHERE g.expires_at > v_now) AS keys, max(g.expires_at) AS expires_at INTO r FROM gone g;
          IF r.keys = cardinality(c.keys) THEN
            v_freed := v_freed || c.n;
          END IF;
        ELSE
          DELETE FROM locking_queue q WHERE q.claim_id = c.id AND q.expires_at > v_now;
          GET DIAGNOSTICS v_count = ROW_COUNT;
          DELETE FROM locking_queue q WHERE q.claim_id = c.id;
          -- What its owner held before goes back to the grant that it was held under, as long as that would have lasted.
          v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
          UPDATE locking l
             SET claim_id = l.prior->>'claim_id', position = (l.prior->>'position')::integer, token = (l.prior->>'token')::bigint,
                 provisional = (l.prior->>'provisional')::boolean, expires_at = (l.prior->>'expires_at')::timestamptz, prior = NULL
           WHERE l.ctid = ANY (v_rows)
             AND l.expires_at > v_now AND (l.prior->>'expires_at')::timestamptz > v_now;
          v_restored := v_restored OR FOUND;
          v_durable := v_durable OR FOUND;
          v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
          WITH gone AS (DELETE FROM locking WHERE ctid = ANY (v_rows) RETURNING expires_at)
          SELECT count(*) FILTER (WHERE g.expires_at > v_now) AS keys, max(g.expires_at) AS expires_at INTO r FROM gone g;
          IF v_count > 0 OR r.keys > 0 THEN
            v_freed := v_freed || c.n;
          END IF;
      END CASE;
      v_durable := v_durable OR coalesce(r.expires_at > v_now + interval '1 minute', false);
      IF c.tombstone THEN
        -- 60 s: TOMBSTONE_LIFETIME.
        INSERT INTO locking_withdrawn AS w (claim_id, expires_at) VALUES (c.id, v_now + interval '60 s')
        ON CONFLICT (claim_id) DO UPDATE SET expires_at = excluded.expires_at;
      END IF;
    END LOOP;
  END IF;

  outcome := 'freed';
  FOREACH n IN ARRAY v_freed LOOP
    RETURN NEXT;
  END LOOP;

  SELECT * INTO r FROM locking_waited_for(p_namespace, p_hashes, p_keys);
  IF r.hashes IS NOT NULL THEN
    FOR a IN SELECT * FROM locking_advance(p_namespace, r.hashes, r.keys, p_hashes, NULL, p_channel, v_restored) LOOP
      v_durable := v_durable OR a.outcome = 'granted';
      IF a.told = p_channel THEN
        n := NULL; outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
        RETURN NEXT;
      END IF;
    END LOOP;
  END IF;

  IF NOT v_durable THEN
    v_done := set_config('synchronous_commit', 'off', true);
  END IF;
END
$$;
--> statement-breakpoint
-- locking_release_one: locking_release for one key of one grant without a tombstone or, where p_id is null, of one owner: what comes
-- most often.
CREATE OR REPLACE FUNCTION locking_release_one(
  p_namespace text, p_channel text, p_hash bigint, p_key text, p_id text, p_owner text
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text := locking_enter(ARRAY[p_hash])::text;
  v_now timestamptz := clock_timestamp();
  v_expires_at timestamptz;
  v_durable boolean;
  a record;
BEGIN
  IF p_id IS NOT NULL THEN
    DELETE FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash AND l.claim_id = p_id AND l.key = p_key
    RETURNING l.expires_at INTO v_expires_at;
  ELSE
    -- Without an owner it may be several.
    WITH gone AS (
      DELETE FROM locking l
       WHERE l.namespace = p_namespace AND l.hash = p_hash AND l.key = p_key AND l.kind = 'acquire'
         AND l.owner_id IS NOT DISTINCT FROM p_owner
      RETURNING l.expires_at
    )
    SELECT max(g.expires_at) INTO v_expires_at FROM gone g;
  END IF;
  v_durable := coalesce(v_expires_at > v_now + interval '1 minute', false);
  IF v_expires_at > v_now THEN
    n := 0; outcome := 'freed';
    RETURN NEXT;
  END IF;
  IF EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hash) THEN
    FOR a IN SELECT * FROM locking_advance(p_namespace, ARRAY[p_hash], ARRAY[p_key], ARRAY[p_hash], NULL, p_channel, false) LOOP
      v_durable := v_durable OR a.outcome = 'granted';
      IF a.told = p_channel THEN
        n := NULL; outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
        RETURN NEXT;
      END IF;
    END LOOP;
  END IF;
  IF NOT v_durable THEN
    v_done := set_config('synchronous_commit', 'off', true);
  END IF;
END
$$;
--> statement-breakpoint
-- locking_release_all: frees, of what p_owner holds (null: of the whole namespace), up to p_size keys whose hashes are greater than p_after,
-- and hands them on. In slices, since each key needs a lock in the server's table of locks. Only what was granted
-- before p_bound, so that it ends even where others go on taking. Replies: a row without outcome first, whose fence is the bound for
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
       WHERE l.namespace = p_namespace AND l.hash > p_after AND l.token < p_bound ORDER BY l.hash LIMIT p_size) AS s;
  ELSE
    SELECT array_agg(s.hash) INTO v_hashes FROM (
      SELECT DISTINCT l.hash FROM locking l
       WHERE l.namespace = p_namespace AND l.owner_id = p_owner AND l.hash > p_after AND l.token < p_bound
       ORDER BY l.hash LIMIT p_size) AS s;
  END IF;
  fence := p_bound;
  place := CASE WHEN cardinality(v_hashes) = p_size THEN v_hashes[p_size] END;
  RETURN NEXT;
  IF v_hashes IS NULL THEN
    RETURN;
  END IF;

  PERFORM locking_enter(v_hashes);
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
