-- locking_take_one: locking_take for one claim of one key, which is what comes most often, with the least that the server has to do where the key is
-- free, and where a stranger queues up behind an exclusive holder that is one itself.
--
-- As in 0008_session_take.sql, but for the second: nobody who waits can have the key then, so there is nothing to hand on, and all that locking_take
-- would find out is when to look again.
CREATE OR REPLACE FUNCTION locking_take_one(
  p_namespace text, p_channel text, p_hash bigint, p_key text, p_id text, p_owner text, p_kind text, p_permits double precision,
  p_lease double precision, p_keep boolean, p_wait boolean, p_session bigint
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision, owner text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text := locking_enter(ARRAY[p_hash])::text;
  v_now timestamptz;
  v_free_at timestamptz;
BEGIN
  INSERT INTO locking (namespace, hash, key, claim_id, position, owner_id, kind, permits, token, expires_at, provisional, session)
  SELECT p_namespace, p_hash, p_key, p_id, 1, p_owner, p_kind, p_permits, nextval('locking_sequence'),
         locking_until(clock_timestamp(), p_lease), false, p_session
   WHERE NOT EXISTS (SELECT FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash)
     AND NOT EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hash)
     AND NOT EXISTS (SELECT FROM locking_withdrawn w WHERE w.claim_id = p_id)
     AND pg_try_advisory_xact_lock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer)
  RETURNING token INTO fence;
  IF FOUND THEN
    outcome := 'plain'; id := p_id;
    RETURN NEXT;
    RETURN;
  END IF;

  IF p_wait AND p_owner IS NULL THEN
    v_now := clock_timestamp();
    SELECT least(l.expires_at, (
             SELECT q.expires_at FROM locking_queue q
              WHERE q.namespace = p_namespace AND q.hash = p_hash AND q.key = p_key
                AND q.expires_at > v_now AND (q.session IS NULL OR locking_alive(q.session))
              ORDER BY q.ticket
              LIMIT 1)) INTO v_free_at
      FROM locking l
     WHERE l.namespace = p_namespace AND l.hash = p_hash AND l.key = p_key AND l.claim_id <> p_id
       AND l.permits = 1 AND l.owner_id IS NULL AND l.expires_at > v_now AND (l.session IS NULL OR locking_alive(l.session))
       AND NOT EXISTS (SELECT FROM locking_queue q WHERE q.claim_id = p_id)
       AND NOT EXISTS (SELECT FROM locking_withdrawn w WHERE w.claim_id = p_id)
     LIMIT 1;
    IF FOUND THEN
      place := nextval('locking_sequence');
      INSERT INTO locking_queue (namespace, hash, key, claim_id, position, size, ticket, owner_id, kind, permits, lease, expires_at, channel,
                                 session)
      -- 6,000: PLACE_LIFETIME.
      VALUES (p_namespace, p_hash, p_key, p_id, 1, 1, place, NULL, p_kind, p_permits, p_lease, v_now + interval '6000 ms', p_channel, p_session);
      n := 0; outcome := 'queued'; id := p_id; ms := locking_left(v_free_at, v_now);
      RETURN NEXT;
      v_done := set_config('synchronous_commit', 'off', true);
      RETURN;
    END IF;
  END IF;
  RETURN QUERY SELECT * FROM locking_take(p_namespace, p_channel, ARRAY[p_hash], ARRAY[p_key], json_build_array(json_build_object(
    'n', 0, 'id', p_id, 'keys', ARRAY[1], 'owner', p_owner, 'kind', p_kind, 'permits', p_permits::text, 'lease', p_lease::text,
    'keep', p_keep, 'wait', p_wait, 'session', p_session)));
END
$$;
--> statement-breakpoint
-- locking_release: frees grants, withdraws claims, frees what an owner holds, and hands the keys on.
--
-- p_plain: a JSON array of { n, id, solo }, the grants of one key that are freed without a tombstone; solo is the key's place in p_keys. No
-- grant is named twice. p_others: { n, how, id, owner, keys, solo, tombstone }, or null; solo is the place of the only key of what an owner holds,
-- which nothing else in the call names. Replies: a row with n for each release that freed all it named; rows without n tell what was
-- handed to waiters of p_channel.
--
-- A release need not wait for the disk: lost in a crash of the server, it costs what was left of the lease. That is only taken
-- where it is no more than a minute, and never for a grant that is handed on.
--
-- As in 0014_prior_chain.sql, but that what owners hold is freed all at once where each names one key.
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
  v_forgot boolean := false;
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
  IF cardinality(v_freed) < json_array_length(p_plain) THEN
    v_forgot := locking_forget(p_namespace, p_hashes, ARRAY(SELECT t.id FROM json_to_recordset(p_plain) AS t(id text)), true);
  END IF;

  IF p_others IS NOT NULL THEN
    WITH gone AS (
      DELETE FROM locking l
       USING json_to_recordset(p_others) AS t(n integer, owner text, solo integer)
       CROSS JOIN LATERAL (
         SELECT o.ctid AS at FROM locking o
          WHERE o.namespace = p_namespace AND o.hash = p_hashes[t.solo] AND o.key = p_keys[t.solo] AND o.kind = 'acquire'
            AND o.owner_id IS NOT DISTINCT FROM t.owner OFFSET 0
       ) AS found
       WHERE l.ctid = found.at
      RETURNING t.n, l.expires_at
    )
    -- Without an owner it may be several.
    SELECT v_freed || coalesce(array_agg(DISTINCT g.n) FILTER (WHERE g.expires_at > v_now), '{}'),
           v_durable OR coalesce(bool_or(g.expires_at > v_now + interval '1 minute'), false) INTO v_freed, v_durable
      FROM gone g;
    FOR c IN
      SELECT t.* FROM json_to_recordset(p_others) AS t(
               n integer, how text, id text, owner text, keys integer[], solo integer, tombstone boolean)
       WHERE t.solo IS NULL
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
          ELSE
            v_forgot := locking_forget(p_namespace, v_hashes, ARRAY[c.id], true) OR v_forgot;
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
          v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
          IF cardinality(v_rows) < cardinality(c.keys) THEN
            v_forgot := locking_forget(p_namespace, v_hashes, ARRAY[c.id], false) OR v_forgot;
          END IF;
          -- What its owner held before goes back to the latest grant that it was held under and that would last still.
          IF locking_give_back(v_rows, v_now) THEN
            v_restored := true;
            v_durable := true;
          END IF;
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

  IF NOT (v_durable OR v_forgot) THEN
    v_done := set_config('synchronous_commit', 'off', true);
  END IF;
END
$$;
--> statement-breakpoint
-- locking_release_one: locking_release for one key of one grant without a tombstone or, where p_id is null, of one owner: what comes
-- most often.
--
-- As in 0014_prior_chain.sql, but that a key of which nobody has a row any more is handed on without locking_advance where the first in line is alive
-- and a stranger that wants this key alone, for itself alone and for long enough: it gets the key, and all behind it go on waiting.
CREATE OR REPLACE FUNCTION locking_release_one(
  p_namespace text, p_channel text, p_hash bigint, p_key text, p_id text, p_owner text
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text := locking_enter(ARRAY[p_hash])::text;
  v_now timestamptz := clock_timestamp();
  v_expires_at timestamptz;
  v_durable boolean;
  v_forgot boolean := false;
  v_session bigint;
  a record;
  q record;
BEGIN
  IF p_id IS NOT NULL THEN
    DELETE FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash AND l.claim_id = p_id AND l.key = p_key
    RETURNING l.expires_at, l.session INTO v_expires_at, v_session;
    IF NOT FOUND THEN
      v_forgot := locking_forget(p_namespace, ARRAY[p_hash], ARRAY[p_id], true);
    END IF;
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

  SELECT l.* INTO q FROM locking_queue l
   WHERE l.namespace = p_namespace AND l.hash = p_hash
   ORDER BY l.ticket
   LIMIT 1;
  IF FOUND THEN
    fence := NULL;
    -- 3,000: CHECK_INTERVAL. Those behind a shorter lease would look too late.
    IF q.key = p_key AND q.size = 1 AND q.owner_id IS NULL AND q.permits = 1 AND q.lease >= 3000 AND q.expires_at > v_now
       AND (q.session IS NULL OR locking_alive(q.session)) THEN
      -- 8,000: HANDOVER_LEASE.
      ms := least(q.lease, 8000);
      WITH granted AS (
        INSERT INTO locking (namespace, hash, key, claim_id, position, owner_id, kind, permits, token, expires_at, provisional, session)
        SELECT p_namespace, p_hash, p_key, q.claim_id, 1, NULL, q.kind, q.permits, nextval('locking_sequence'),
               locking_until(v_now, ms), true, q.session
         WHERE NOT EXISTS (SELECT FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hash)
           AND pg_try_advisory_xact_lock((p_hash >> 32)::integer, ((p_hash << 32) >> 32)::integer)
        RETURNING token
      )
      DELETE FROM locking_queue l USING granted AS g
       WHERE l.namespace = p_namespace AND l.hash = p_hash AND l.ticket = q.ticket AND l.position = q.position
      RETURNING g.token INTO fence;
    END IF;
    IF fence IS NOT NULL THEN
      v_durable := true;
      IF q.channel = p_channel THEN
        n := NULL; outcome := 'granted'; id := q.claim_id; place := q.ticket;
        RETURN NEXT;
      ELSIF q.channel IS NOT NULL THEN
        PERFORM pg_notify(q.channel, json_build_object('granted', q.claim_id, 'ticket', q.ticket, 'token', fence::text, 'ms', ms)::text);
      END IF;
    ELSE
      FOR a IN SELECT * FROM locking_advance(p_namespace, ARRAY[p_hash], ARRAY[p_key], ARRAY[p_hash], NULL, p_channel, false) LOOP
        v_durable := v_durable OR a.outcome = 'granted';
        IF a.told = p_channel THEN
          n := NULL; outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
          RETURN NEXT;
        END IF;
      END LOOP;
    END IF;
  END IF;
  IF NOT (v_durable OR v_forgot) THEN
    v_done := set_config('synchronous_commit', 'off', true);
  END IF;
END
$$;
