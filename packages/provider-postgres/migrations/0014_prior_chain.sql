-- What a grant took over of its owner's earlier ones is a chain: `prior` has the grant that held the key last, and that the `prior` of its own. A
-- claim that is withdrawn gives the key back to the latest of them that would still last; whatever is released or withdrawn goes from
-- its place in the chain. What was written before this has one level, and so have calls that were under way.
--
-- locking_prior: such a chain without the grants of p_without, those with a token below p_since and those that ended by p_after (null: none is left
-- out for that), p_most of the rest at most. Null where nothing is left.
CREATE OR REPLACE FUNCTION locking_prior(
  p_prior jsonb, p_most integer, p_without text[], p_since bigint, p_after timestamptz
) RETURNS jsonb LANGUAGE plpgsql STABLE AS $$
DECLARE
  v_left_out boolean := coalesce(
    p_prior->>'claim_id' = ANY (p_without) OR (p_prior->>'token')::bigint < p_since
    OR (p_prior->>'expires_at')::timestamptz <= p_after, false);
  v_rest jsonb;
BEGIN
  IF p_prior IS NULL OR p_most = 0 THEN
    RETURN NULL;
  END IF;
  v_rest := locking_prior(p_prior->'prior', CASE WHEN v_left_out THEN p_most ELSE p_most - 1 END, p_without, p_since, p_after);
  IF v_left_out THEN
    RETURN v_rest;
  END IF;
  RETURN CASE WHEN v_rest IS NULL THEN p_prior - 'prior' ELSE p_prior || jsonb_build_object('prior', v_rest) END;
END
$$;
--> statement-breakpoint
-- Takes grants out of what later ones took over of these keys, so that they do not come back. Replies whether any was there. The keys are
-- locked. p_below: not the one that held the key last, which earlier versions of the package forget by themselves.
CREATE OR REPLACE FUNCTION locking_forget(p_namespace text, p_hashes bigint[], p_claims text[], p_below boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE locking l SET prior = locking_prior(l.prior, 16, p_claims, NULL, NULL)
   WHERE l.namespace = p_namespace AND l.hash = ANY (p_hashes) AND l.prior IS NOT NULL
     AND jsonb_path_exists(CASE WHEN p_below THEN l.prior->'prior' ELSE l.prior END, '$.**.claim_id ? (@ == $claims[*])',
                           jsonb_build_object('claims', p_claims));
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- Writes a grant that fits. Keys that the owner held become part of it and remember the grants they were held under. The token is
-- drawn while the keys are locked, so it is greater than that of every earlier grant of theirs. p_expires_at: null leaves the
-- expiry of keys that the owner held as it is.
--
-- As in 0007_session_queue.sql, but that what a grant had taken over itself is remembered with it, 16 grants in all: more of an owner's claims
-- are never withdrawn one after the other.
CREATE OR REPLACE FUNCTION locking_grant(
  p_namespace text, p_claim text, p_hashes bigint[], p_keys text[], p_owner text, p_kind text, p_permits double precision,
  p_expires_at timestamptz, p_provisional boolean, p_now timestamptz, p_session bigint
) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_token bigint := nextval('locking_sequence');
BEGIN
  DELETE FROM locking WHERE ctid = ANY (ARRAY(
    SELECT found.at FROM unnest(p_hashes, p_keys) AS w(hash, key)
     CROSS JOIN LATERAL (
       SELECT l.ctid AS at FROM locking l
        WHERE l.namespace = p_namespace AND l.hash = w.hash AND l.key = w.key
          AND (l.expires_at <= p_now OR l.session IS NOT NULL AND NOT locking_alive(l.session)) OFFSET 0) AS found));
  IF p_owner IS NOT NULL THEN
    UPDATE locking l
       SET claim_id = p_claim, position = w.position, token = v_token, provisional = p_provisional,
           expires_at = coalesce(p_expires_at, l.expires_at),
           prior = jsonb_build_object('claim_id', l.claim_id, 'position', l.position, 'token', l.token,
                                      'provisional', l.provisional, 'expires_at', l.expires_at)
                   || CASE WHEN l.prior IS NULL THEN '{}'
                           ELSE jsonb_strip_nulls(jsonb_build_object(
                                  'prior', locking_prior(l.prior, 15, ARRAY[p_claim], NULL, p_now))) END
      FROM unnest(p_hashes, p_keys) WITH ORDINALITY AS w(hash, key, position)
     CROSS JOIN LATERAL (
       SELECT o.ctid AS at FROM locking o
        WHERE o.namespace = p_namespace AND o.hash = w.hash AND o.key = w.key AND o.owner_id = p_owner OFFSET 0) AS found
     WHERE l.ctid = found.at;
  END IF;
  INSERT INTO locking (namespace, hash, key, claim_id, position, owner_id, kind, permits, token, expires_at, provisional, session)
  SELECT p_namespace, w.hash, w.key, p_claim, w.position, p_owner, p_kind, p_permits, v_token, p_expires_at, p_provisional, p_session
    FROM unnest(p_hashes, p_keys) WITH ORDINALITY AS w(hash, key, position)
   WHERE p_owner IS NULL OR NOT EXISTS (
     SELECT FROM locking l
      WHERE l.namespace = p_namespace AND l.hash = w.hash AND l.key = w.key AND l.owner_id = p_owner);
  RETURN v_token;
END
$$;
--> statement-breakpoint
-- Gives rows of a grant that is no more back to the latest of those that it had taken over and that would last still. Replies whether there was any.
CREATE OR REPLACE FUNCTION locking_give_back(p_rows tid[], p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  UPDATE locking l
     SET claim_id = back.prior->>'claim_id', position = (back.prior->>'position')::integer, token = (back.prior->>'token')::bigint,
         provisional = (back.prior->>'provisional')::boolean, expires_at = (back.prior->>'expires_at')::timestamptz,
         prior = back.prior->'prior'
    FROM (SELECT o.ctid AS at, locking_prior(o.prior, 16, NULL, NULL, p_now) AS prior FROM locking o
           WHERE o.ctid = ANY (p_rows) AND o.prior IS NOT NULL AND o.expires_at > p_now
             AND (o.session IS NULL OR locking_alive(o.session)) OFFSET 0) AS back
   WHERE l.ctid = back.at AND back.prior IS NOT NULL;
  RETURN FOUND;
END
$$;
--> statement-breakpoint
-- locking_take: each claim of p_claims is granted, queued or refused, atomically over its keys.
--
-- p_hashes, p_keys: all keys of the call, sorted by hash. p_claims: a JSON array of { n, id, solo, keys, owner, kind, permits, lease, keep,
-- wait, session }, where keys are places in p_keys (from 1); solo, instead of keys, is the place of the only key of a claim, which no
-- earlier claim of the call wants. Replies: a row for each claim with its n or, where the outcome is plain, its id; rows without n tell what
-- was handed to other waiters of p_channel on the way.
--
-- An earlier place in a queue, and the tombstone of a withdrawn claim, count until they expire. Nothing but grants has to survive a crash of
-- the server, so a call that grants nothing does not wait for the disk.
--
-- As in 0008_session_take.sql, but that a grant of which a part is gone gives back what it had taken over with the rest.
CREATE OR REPLACE FUNCTION locking_take(
  p_namespace text, p_channel text, p_hashes bigint[], p_keys text[], p_claims json
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision, owner text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text;
  v_plain text[];
  v_tokens bigint[];
  v_durable boolean;
  v_granted boolean;
  v_sooner boolean;
  v_restored boolean;
  v_now timestamptz;
  v_place bigint;
  v_hashes bigint[];
  v_keys text[];
  v_rows tid[];
  v_size integer;
  v_expires_at timestamptz;
  a record;
  c record;
  r record;
  x record;
BEGIN
  v_done := locking_enter(p_hashes)::text;

  -- The plain case, all such claims at once: one key, of which there is no row at all.
  WITH granted AS (
    INSERT INTO locking (namespace, hash, key, claim_id, position, owner_id, kind, permits, token, expires_at, provisional, session)
    SELECT p_namespace, p_hashes[t.solo], p_keys[t.solo], t.id, 1, t.owner, t.kind, t.permits, nextval('locking_sequence'),
           locking_until(clock_timestamp(), t.lease), false, t.session
      FROM json_to_recordset(p_claims) AS t(
             id text, solo integer, owner text, kind text, permits double precision, lease double precision, session bigint)
     WHERE t.solo IS NOT NULL
       AND NOT EXISTS (SELECT FROM locking l WHERE l.namespace = p_namespace AND l.hash = p_hashes[t.solo])
       AND NOT EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hashes[t.solo])
       AND NOT EXISTS (SELECT FROM locking_withdrawn w WHERE w.claim_id = t.id)
       AND pg_try_advisory_xact_lock((p_hashes[t.solo] >> 32)::integer, ((p_hashes[t.solo] << 32) >> 32)::integer)
    RETURNING claim_id, token
  )
  SELECT coalesce(array_agg(g.claim_id), '{}'), coalesce(array_agg(g.token), '{}') INTO v_plain, v_tokens FROM granted g;
  v_durable := cardinality(v_plain) > 0;
  outcome := 'plain';
  FOR i IN 1 .. cardinality(v_plain) LOOP
    id := v_plain[i]; fence := v_tokens[i];
    RETURN NEXT;
  END LOOP;
  IF cardinality(v_plain) = json_array_length(p_claims) THEN
    RETURN;
  END IF;

  FOR c IN
    SELECT t.* FROM json_to_recordset(p_claims) AS t(
             n integer, id text, solo integer, keys integer[], owner text, kind text, permits double precision,
             lease double precision, keep boolean, wait boolean, session bigint)
     WHERE NOT (t.solo IS NOT NULL AND t.id = ANY (v_plain))
     ORDER BY t.n
  LOOP
    n := c.n; id := c.id; fence := NULL; place := NULL; ms := NULL; owner := NULL;
    v_now := clock_timestamp();
    c.keys := coalesce(c.keys, ARRAY[c.solo]);
    v_size := cardinality(c.keys);
    SELECT array_agg(p_hashes[u.at] ORDER BY u.position), array_agg(p_keys[u.at] ORDER BY u.position) INTO v_hashes, v_keys
      FROM unnest(c.keys) WITH ORDINALITY AS u(at, position);

    IF EXISTS (SELECT FROM locking_withdrawn w WHERE w.claim_id = c.id AND w.expires_at > v_now) THEN
      outcome := 'withdrawn';
      RETURN NEXT;
      CONTINUE;
    END IF;

    -- Granted already: the reply was lost, or it was handed over and is confirmed by this.
    SELECT count(*) AS held, min(l.token) AS token, bool_or(l.provisional) AS provisional, min(l.expires_at) AS expires_at INTO r
      FROM unnest(v_hashes, v_keys) AS w(hash, key)
     CROSS JOIN LATERAL (
       SELECT * FROM locking o
        WHERE o.namespace = p_namespace AND o.hash = w.hash AND o.claim_id = c.id AND o.key = w.key AND o.expires_at > v_now
         AND (o.session IS NULL OR locking_alive(o.session))
       OFFSET 0) AS l;
    v_restored := false;
    IF r.held = v_size THEN
      IF r.provisional THEN
        v_durable := true;
        r.expires_at := locking_until(v_now, c.lease);
        v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
        UPDATE locking SET expires_at = r.expires_at, provisional = false WHERE ctid = ANY (v_rows);
      END IF;
      outcome := 'granted'; fence := r.token; ms := locking_left(r.expires_at, v_now);
      RETURN NEXT;
      CONTINUE;
    ELSIF r.held > 0 THEN
      -- Some of it was freed from elsewhere, or taken over: that grant is no more, and the rest of it must not stand in the way.
      v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
      IF locking_give_back(v_rows, v_now) THEN
        v_restored := true;
        v_durable := true;
        v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
      END IF;
      DELETE FROM locking WHERE ctid = ANY (v_rows);
    END IF;

    SELECT count(*) AS rows, min(q.ticket) AS ticket, min(q.expires_at) AS expires_at, min(q.session) AS session INTO r
      FROM locking_queue q WHERE q.claim_id = c.id;
    v_place := NULL;
    IF r.rows = v_size AND r.expires_at > v_now THEN
      v_place := r.ticket;
      -- 6,000: PLACE_LIFETIME. Who polls faster than once in a second need not write each time.
      IF r.expires_at < v_now + interval '5000 ms' OR r.session IS DISTINCT FROM c.session THEN
        UPDATE locking_queue q SET expires_at = v_now + interval '6000 ms', session = c.session WHERE q.claim_id = c.id;
      END IF;
    ELSIF r.rows > 0 THEN
      DELETE FROM locking_queue q WHERE q.claim_id = c.id;
    END IF;

    -- Whatever ended unnoticed is handed on before anybody else is looked at, to this claim as well if it is its turn.
    v_granted := false;
    FOR a IN
      SELECT h.* FROM locking_waited_for(p_namespace, v_hashes, v_keys) AS w,
             locking_advance(p_namespace, w.hashes, w.keys, p_hashes, c.id, p_channel, v_restored) AS h
    LOOP
      v_durable := v_durable OR a.outcome = 'granted';
      IF a.id = c.id THEN
        IF a.outcome = 'granted' THEN
          v_granted := true;
          outcome := 'granted'; fence := a.fence; ms := a.ms;
          RETURN NEXT;
        END IF;
      ELSIF a.told = p_channel THEN
        n := NULL; outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
        RETURN NEXT;
        n := c.n; id := c.id; fence := NULL; place := NULL; ms := NULL;
      END IF;
    END LOOP;
    CONTINUE WHEN v_granted;

    SELECT * INTO x
      FROM locking_examine(p_namespace, v_hashes, v_keys, c.owner, c.permits, coalesce(v_place, 9223372036854775807), v_now);
    IF NOT x.blocked THEN
      v_durable := true;
      IF v_place IS NOT NULL THEN
        DELETE FROM locking_queue q WHERE q.claim_id = c.id;
      END IF;
      v_expires_at := CASE WHEN NOT (c.keep AND x.lacking = 0) THEN locking_until(v_now, c.lease) END;
      SELECT count(DISTINCT l.claim_id) AS grants, min(l.claim_id) AS id, min(l.token) AS token,
             coalesce(v_expires_at, min(l.expires_at)) AS expires_at, max(l.expires_at) AS latest INTO r
        FROM unnest(v_hashes, v_keys) AS w(hash, key)
       CROSS JOIN LATERAL (
         SELECT * FROM locking o
          WHERE o.namespace = p_namespace AND o.hash = w.hash AND o.key = w.key AND o.expires_at > v_now AND o.owner_id = c.owner
         OFFSET 0) AS l;
      -- 3,000: CHECK_INTERVAL.
      v_sooner := coalesce(c.lease < 3000 AND r.latest > v_expires_at, false);
      IF x.lacking = 0 AND r.grants = 1 THEN
        IF v_expires_at IS NOT NULL THEN
          v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, r.id);
          UPDATE locking SET expires_at = v_expires_at, provisional = false WHERE ctid = ANY (v_rows);
        END IF;
        id := r.id; fence := r.token; ms := locking_left(r.expires_at, v_now);
      ELSE
        -- Also for keys held under several grants of the owner's: no one token stands for all of them.
        fence := locking_grant(p_namespace, c.id, v_hashes, v_keys, c.owner, c.kind, c.permits, v_expires_at, false, v_now,
                               c.session);
        ms := locking_left(coalesce(v_expires_at, r.expires_at), v_now);
      END IF;
      outcome := 'granted';
      RETURN NEXT;
      CONTINUE WHEN NOT v_sooner;
      FOR a IN
        SELECT * FROM locking_advance(p_namespace, v_hashes, v_keys, p_hashes, NULL, p_channel, true) WHERE told = p_channel
      LOOP
        n := NULL; outcome := a.outcome; id := a.id; fence := a.fence; place := a.place; ms := a.ms;
        RETURN NEXT;
      END LOOP;
      CONTINUE;
    END IF;

    IF c.wait AND v_place IS NULL THEN
      v_place := nextval('locking_sequence');
      INSERT INTO locking_queue (namespace, hash, key, claim_id, position, size, ticket, owner_id, kind, permits, lease, expires_at, channel,
                                 session)
      SELECT p_namespace, w.hash, w.key, c.id, w.position, v_size, v_place, c.owner, c.kind, c.permits, c.lease,
             v_now + interval '6000 ms', p_channel, c.session
        FROM unnest(v_hashes, v_keys) WITH ORDINALITY AS w(hash, key, position);
    END IF;
    outcome := CASE WHEN v_place IS NULL THEN 'busy' ELSE 'queued' END;
    place := v_place; ms := locking_left(x.free_at, v_now); owner := x.in_the_way;
    RETURN NEXT;
  END LOOP;

  IF NOT v_durable THEN
    v_done := set_config('synchronous_commit', 'off', true);
  END IF;
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
--
-- As in 0009_session_release.sql, but for the whole chain of what was taken over.
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
-- As in 0009_session_release.sql, but for the whole chain of what was taken over.
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
  IF EXISTS (SELECT FROM locking_queue q WHERE q.namespace = p_namespace AND q.hash = p_hash) THEN
    FOR a IN SELECT * FROM locking_advance(p_namespace, ARRAY[p_hash], ARRAY[p_key], ARRAY[p_hash], NULL, p_channel, false) LOOP
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
  v_forgot := locking_forget(p_namespace, p_hashes, ARRAY(SELECT g.id FROM json_to_recordset(p_grants) AS g(id text)), false);
  RETURN QUERY SELECT * FROM locking_release(p_namespace, p_channel, p_hashes, p_keys, '[]', p_grants);
  -- Lost in a crash of the server, it would cost more than the rest of a lease.
  IF v_forgot THEN
    v_done := set_config('synchronous_commit', v_commit, true);
  END IF;
END
$$;
--> statement-breakpoint
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
         AND (l.token < p_bound OR jsonb_path_exists(l.prior, '$.**.token ? (@ < $bound)', jsonb_build_object('bound', p_bound)))
       ORDER BY l.hash LIMIT p_size) AS s;
  ELSE
    SELECT array_agg(s.hash) INTO v_hashes FROM (
      SELECT DISTINCT l.hash FROM locking l
       WHERE l.namespace = p_namespace AND l.owner_id = p_owner AND l.hash > p_after
         AND (l.token < p_bound OR jsonb_path_exists(l.prior, '$.**.token ? (@ < $bound)', jsonb_build_object('bound', p_bound)))
       ORDER BY l.hash LIMIT p_size) AS s;
  END IF;
  fence := p_bound;
  place := CASE WHEN cardinality(v_hashes) = p_size THEN v_hashes[p_size] END;
  RETURN NEXT;
  IF v_hashes IS NULL THEN
    RETURN;
  END IF;

  PERFORM locking_enter(v_hashes);
  UPDATE locking l SET prior = locking_prior(l.prior, 16, NULL, p_bound, NULL)
   WHERE l.namespace = p_namespace AND l.hash = ANY (v_hashes) AND (p_owner IS NULL OR l.owner_id = p_owner)
     AND l.token >= p_bound AND l.prior IS NOT NULL
     AND jsonb_path_exists(l.prior, '$.**.token ? (@ < $bound)', jsonb_build_object('bound', p_bound));
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
