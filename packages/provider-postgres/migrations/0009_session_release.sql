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
          AND o.expires_at > v_now AND (o.session IS NULL OR locking_alive(o.session)) OFFSET 0) AS found
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
    SELECT count(*), max(l.expires_at) INTO v_held, v_latest FROM locking l
     WHERE l.ctid = ANY (v_rows) AND l.expires_at > v_now AND (l.session IS NULL OR locking_alive(l.session));
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
--> statement-breakpoint
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
    RETURNING t.n, l.expires_at, l.session
  )
  SELECT coalesce(array_agg(g.n) FILTER (WHERE g.expires_at > v_now AND (g.session IS NULL OR locking_alive(g.session))), '{}'),
         coalesce(bool_or(g.expires_at > v_now + interval '1 minute' AND g.session IS NULL), false) INTO v_freed, v_durable
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
          WITH gone AS (DELETE FROM locking WHERE ctid = ANY (v_rows) RETURNING expires_at, session)
          SELECT count(*) FILTER (WHERE g.expires_at > v_now AND (g.session IS NULL OR locking_alive(g.session))) AS keys,
                 max(g.expires_at) FILTER (WHERE g.session IS NULL) AS expires_at INTO r
            FROM gone g;
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
          WITH gone AS (DELETE FROM locking WHERE ctid = ANY (v_rows) RETURNING expires_at, session)
          SELECT count(*) FILTER (WHERE g.expires_at > v_now AND (g.session IS NULL OR locking_alive(g.session))) AS keys,
                 max(g.expires_at) FILTER (WHERE g.session IS NULL) AS expires_at INTO r
            FROM gone g;
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
  v_session bigint;
  a record;
BEGIN
  IF p_id IS NOT NULL THEN
    DELETE FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash AND l.claim_id = p_id AND l.key = p_key
    RETURNING l.expires_at, l.session INTO v_expires_at, v_session;
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
  v_durable := coalesce(v_expires_at > v_now + interval '1 minute' AND v_session IS NULL, false);
  IF v_expires_at > v_now AND (v_session IS NULL OR locking_alive(v_session)) THEN
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
       AND (l.expires_at < v_before OR l.session IS NOT NULL AND NOT locking_alive(l.session))
       FOR UPDATE SKIP LOCKED));
  DELETE FROM locking_queue WHERE ctid = ANY (ARRAY(
    SELECT q.ctid FROM locking_queue q WHERE q.expires_at < v_before LIMIT 1000 FOR UPDATE SKIP LOCKED));
  DELETE FROM locking_withdrawn WHERE ctid = ANY (ARRAY(
    SELECT w.ctid FROM locking_withdrawn w WHERE w.expires_at < v_before LIMIT 1000 FOR UPDATE SKIP LOCKED));
  RETURN p_page + p_pages;
END
$$;
