-- What lives with a session, or with a transaction, names a random number that this holds an advisory lock on. It counts only while that is
-- held, and needs no renewal.
--
-- Three classes of advisory locks. Transitions of a key are serialised under its hash as one bigint (locking_enter). Who holds a key bare
-- has locked the two halves of its hash, which to the server is another lock: there is no row, and the key is free the moment that the
-- session ends. Sessions and transactions lock the two halves of their number, and sessions, shared, those of their namespace's.
--
-- Whether they are held is found out by trying, so none of the functions here may run on a connection that holds any itself.
CREATE OR REPLACE FUNCTION locking_alive(p_session bigint) RETURNS boolean
LANGUAGE sql VOLATILE AS $$
  SELECT NOT pg_try_advisory_xact_lock_shared((p_session >> 32)::integer, ((p_session << 32) >> 32)::integer)
$$;
--> statement-breakpoint
-- Whether a claim that stands at p_ticket fits. lacking: how many keys its owner does not hold already. blocked: somebody is
-- in the way, holding or waiting earlier; then free_at is when the first lease or place in the way ends, and in_the_way an
-- owner that is known. p_owner is null for a stranger. Where nobody holds a key by a row, its advisory lock of the held class is tried: that
-- fails where it is held bare; had, it keeps bare holders out until this transaction ends.
CREATE OR REPLACE FUNCTION locking_examine(
  p_namespace text, p_hashes bigint[], p_keys text[], p_owner text, p_permits double precision, p_ticket bigint,
  p_now timestamptz, OUT lacking bigint, OUT blocked boolean, OUT free_at timestamptz, OUT in_the_way text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT count(*) FILTER (WHERE NOT held.own),
         coalesce(bool_or(NOT held.own AND (held.taken OR bare.held OR ahead.expires_at IS NOT NULL)), false),
         min(least(CASE WHEN held.taken THEN held.expires_at END, ahead.expires_at)) FILTER (WHERE NOT held.own),
         min(coalesce(CASE WHEN held.taken THEN held.owner_id END, ahead.owner_id)) FILTER (WHERE NOT held.own)
    INTO lacking, blocked, free_at, in_the_way
    FROM unnest(p_hashes, p_keys) AS wanted(hash, key)
   CROSS JOIN LATERAL (
     SELECT coalesce(bool_or(l.owner_id = p_owner AND l.permits = p_permits), false) AS own,
            count(*) >= p_permits OR coalesce(bool_or(l.permits <> p_permits), false) AS taken,
            count(*) = 0 AS nobody,
            min(l.expires_at) AS expires_at,
            min(l.owner_id) AS owner_id
       FROM locking l
      WHERE l.namespace = p_namespace AND l.hash = wanted.hash AND l.key = wanted.key AND l.expires_at > p_now
        AND (l.session IS NULL OR locking_alive(l.session))
   ) AS held
   CROSS JOIN LATERAL (
     SELECT CASE WHEN held.nobody THEN NOT pg_try_advisory_xact_lock((wanted.hash >> 32)::integer, ((wanted.hash << 32) >> 32)::integer)
                 ELSE false END AS held
     OFFSET 0
   ) AS bare
    LEFT JOIN LATERAL (
     -- An owner that holds the key already waits for its other keys only.
     SELECT q.expires_at, q.owner_id
       FROM locking_queue q
      WHERE q.namespace = p_namespace AND q.hash = wanted.hash AND q.key = wanted.key AND q.ticket < p_ticket
        AND q.expires_at > p_now AND (q.session IS NULL OR locking_alive(q.session))
        AND NOT (q.owner_id IS NOT NULL AND EXISTS (
          SELECT FROM locking l
           WHERE l.namespace = p_namespace AND l.hash = wanted.hash AND l.key = wanted.key AND l.expires_at > p_now
             AND l.owner_id = q.owner_id AND l.permits = q.permits))
      ORDER BY q.ticket
      LIMIT 1
   ) AS ahead ON NOT held.own;
END
$$;
--> statement-breakpoint
DROP FUNCTION IF EXISTS locking_grant(text, text, bigint[], text[], text, text, double precision, timestamptz, boolean, timestamptz);
--> statement-breakpoint
-- Writes a grant that fits. Keys that the owner held become part of it and remember the grant they were held under. The token is
-- drawn while the keys are locked, so it is greater than that of every earlier grant of theirs. p_expires_at: null leaves the
-- expiry of keys that the owner held as it is.
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
-- Hands the keys on to the waiters that fit now, first come, first served, and tells those of other instances. p_locked are the
-- hashes whose advisory locks this transaction holds; p_asker is the claim that is asking for itself: its grant is complete.
-- p_sooner: a lease in the way has come to end sooner than the waiters were told, so the first has to learn of it. Returns what was
-- granted, and which claims have to ask.
--
-- A waiter may want keys whose locks are not held here. Waiting for those out of order could deadlock, so they are only
-- tried. Where that fails the waiter is told to ask, which takes all of its locks in order. Its turn is not lost by that:
-- it keeps its place, nobody passes it, and should the word not reach it, it asks again within 3 s.
CREATE OR REPLACE FUNCTION locking_advance(
  p_namespace text, p_hashes bigint[], p_keys text[], p_locked bigint[], p_asker text, p_channel text, p_sooner boolean
) RETURNS TABLE (outcome text, id text, place bigint, fence bigint, ms double precision, told text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  v_now timestamptz := clock_timestamp();
  v_seen integer := 1;
  v_verdict text;
  v_hashes bigint[];
  v_keys text[];
  v_extra bigint[];
  q record;
  x record;
BEGIN
  WHILE v_seen <= cardinality(p_hashes) LOOP
    FOR q IN
      SELECT * FROM locking_queue l
       WHERE l.namespace = p_namespace AND l.hash = p_hashes[v_seen] AND l.key = p_keys[v_seen]
       ORDER BY l.ticket
    LOOP
      -- Dead. Its rows under other keys are left to who holds the locks of these: two that deleted each other's could deadlock.
      IF q.expires_at <= v_now THEN
        DELETE FROM locking_queue l
         WHERE l.namespace = p_namespace AND l.hash = q.hash AND l.ticket = q.ticket AND l.position = q.position;
        CONTINUE;
      END IF;
      -- Passed over, not put out: its process is dead, or has lost this connection only and will ask again with another. Then it
      -- stands where it stood.
      CONTINUE WHEN q.session IS NOT NULL AND q.claim_id IS DISTINCT FROM p_asker AND NOT locking_alive(q.session);

      v_hashes := ARRAY[q.hash];
      v_keys := ARRAY[q.key];
      v_verdict := NULL;
      IF q.size > 1 THEN
        SELECT array_agg(l.hash ORDER BY l.position), array_agg(l.key ORDER BY l.position) INTO v_hashes, v_keys
          FROM locking_queue l WHERE l.claim_id = q.claim_id;
        SELECT array_agg(DISTINCT u.hash ORDER BY u.hash) INTO v_extra
          FROM unnest(v_hashes) AS u(hash) WHERE u.hash <> ALL (p_locked);
        IF v_extra IS NOT NULL THEN
          -- Where it is blocked on the keys that are locked already, the others are left alone: who came next would find them locked.
          SELECT CASE WHEN e.blocked THEN 'blocked' END INTO v_verdict
            FROM (SELECT array_agg(w.hash) AS hashes, array_agg(w.key) AS keys
                    FROM unnest(v_hashes, v_keys) AS w(hash, key) WHERE w.hash = ANY (p_locked)) AS mine,
                 locking_examine(p_namespace, mine.hashes, mine.keys, q.owner_id, q.permits, q.ticket, v_now) AS e;
        END IF;
        IF v_verdict IS NOT NULL THEN
          NULL;
        ELSIF cardinality(v_hashes) <> q.size
           OR NOT (SELECT coalesce(bool_and(pg_try_advisory_xact_lock(u.hash)), true) FROM unnest(v_extra) AS u(hash)) THEN
          v_verdict := 'ask';
        ELSIF v_extra IS NOT NULL THEN
          p_locked := p_locked || v_extra;
        END IF;
      END IF;
      IF v_verdict IS NULL THEN
        SELECT * INTO x
          FROM locking_examine(p_namespace, v_hashes, v_keys, q.owner_id, q.permits, q.ticket, v_now);
        v_verdict := CASE WHEN x.blocked THEN 'blocked' WHEN x.lacking = 0 THEN 'own' ELSE 'fits' END;
      END IF;

      outcome := 'wake'; id := q.claim_id; place := q.ticket; fence := NULL; ms := NULL; told := q.channel;
      IF v_verdict = 'fits' THEN
        outcome := 'granted';
        -- 8,000: HANDOVER_LEASE. It ends soon if the waiter turns out dead.
        ms := CASE WHEN id = p_asker THEN q.lease ELSE least(q.lease, 8000) END;
        -- 3,000: CHECK_INTERVAL. Those behind it would look too late.
        p_sooner := p_sooner OR ms < 3000;
        DELETE FROM locking_queue l WHERE l.claim_id = q.claim_id;
        fence := locking_grant(p_namespace, id, v_hashes, v_keys, q.owner_id, q.kind, q.permits,
                               locking_until(v_now, ms), id IS DISTINCT FROM p_asker, v_now, q.session);
        -- It stood in the queues of its other keys too, where those behind it may now share with it.
        IF q.size > 1 THEN
          p_hashes := p_hashes || v_hashes;
          p_keys := p_keys || v_keys;
        END IF;
      END IF;
      IF v_verdict <> 'blocked' OR p_sooner AND id IS DISTINCT FROM p_asker THEN
        IF told <> coalesce(p_channel, '') THEN
          PERFORM pg_notify(told, CASE outcome
            WHEN 'wake' THEN json_build_object('wake', id)
            ELSE json_build_object('granted', id, 'ticket', place, 'token', fence::text, 'ms', ms) END::text);
        END IF;
        RETURN NEXT;
      END IF;
      -- Who still waits keeps back those behind, unless its owner holds this key already and it waits for others.
      EXIT WHEN v_verdict IN ('ask', 'blocked') AND NOT (q.owner_id IS NOT NULL AND (
        SELECT e.lacking = 0
          FROM locking_examine(p_namespace, ARRAY[q.hash], ARRAY[q.key], q.owner_id, q.permits, q.ticket, v_now) AS e));
    END LOOP;
    v_seen := v_seen + 1;
  END LOOP;
END
$$;
