-- The functions of 0002_take.sql, for claims that may name a session: they and their rows count only while it lives.
--
-- locking_take: each claim of p_claims is granted, queued or refused, atomically over its keys.
--
-- p_hashes, p_keys: all keys of the call, sorted by hash. p_claims: a JSON array of { n, id, solo, keys, owner, kind, permits, lease, keep,
-- wait, session }, where keys are places in p_keys (from 1); solo, instead of keys, is the place of the only key of a claim, which no
-- earlier claim of the call wants. Replies: a row for each claim with its n or, where the outcome is plain, its id; rows without n tell what
-- was handed to other waiters of p_channel on the way.
--
-- An earlier place in a queue, and the tombstone of a withdrawn claim, count until they expire. Nothing but grants has to survive a crash of
-- the server, so a call that grants nothing does not wait for the disk.
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
      -- Some of it was freed from elsewhere: that grant is no more, and the rest of it must not stand in the way.
      v_rows := locking_rows_of(p_namespace, v_hashes, v_keys, c.id);
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
             locking_advance(p_namespace, w.hashes, w.keys, p_hashes, c.id, p_channel, false) AS h
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
-- locking_take_one: locking_take for one claim of one key, which is what comes most often, with the least that the server has to do where
-- the key is free.
CREATE OR REPLACE FUNCTION locking_take_one(
  p_namespace text, p_channel text, p_hash bigint, p_key text, p_id text, p_owner text, p_kind text, p_permits double precision,
  p_lease double precision, p_keep boolean, p_wait boolean, p_session bigint
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision, owner text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_done text := locking_enter(ARRAY[p_hash])::text;
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
  RETURN QUERY SELECT * FROM locking_take(p_namespace, p_channel, ARRAY[p_hash], ARRAY[p_key], json_build_array(json_build_object(
    'n', 0, 'id', p_id, 'keys', ARRAY[1], 'owner', p_owner, 'kind', p_kind, 'permits', p_permits::text, 'lease', p_lease::text,
    'keep', p_keep, 'wait', p_wait, 'session', p_session)));
END
$$;
--> statement-breakpoint
-- What earlier versions of the package call.
CREATE OR REPLACE FUNCTION locking_take_one(
  p_namespace text, p_channel text, p_hash bigint, p_key text, p_id text, p_owner text, p_kind text, p_permits double precision,
  p_lease double precision, p_keep boolean, p_wait boolean
) RETURNS TABLE (n integer, outcome text, id text, fence bigint, place bigint, ms double precision, owner text)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN QUERY SELECT * FROM locking_take_one(p_namespace, p_channel, p_hash, p_key, p_id, p_owner, p_kind, p_permits, p_lease,
                                              p_keep, p_wait, NULL);
END
$$;
