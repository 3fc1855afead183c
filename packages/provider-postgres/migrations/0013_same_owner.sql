-- Hands the keys on to the waiters that fit now, first come, first served, and tells those of other instances. p_locked are the
-- hashes whose advisory locks this transaction holds; p_asker is the claim that is asking for itself: its grant is complete.
-- p_sooner: a lease in the way has come to end sooner than the waiters were told, so the first has to learn of it. Returns what was
-- granted, and which claims have to ask.
--
-- A waiter may want keys whose locks are not held here. Waiting for those out of order could deadlock, so they are only
-- tried. Where that fails the waiter is told to ask, which takes all of its locks in order. Its turn is not lost by that:
-- it keeps its place, nobody passes it, and should the word not reach it, it asks again within 3 s.
--
-- As in 0007_session_queue.sql, but that who waits for what its owner comes to hold is told to ask at once, wherever it stands in line: it is
-- granted in place, and who stands between keeps back only those that lack the key.
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
  v_woken text[] := '{}';
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
      IF (v_verdict <> 'blocked' OR p_sooner AND id IS DISTINCT FROM p_asker) AND NOT (outcome = 'wake' AND id = ANY (v_woken)) THEN
        IF told <> coalesce(p_channel, '') THEN
          PERFORM pg_notify(told, CASE outcome
            WHEN 'wake' THEN json_build_object('wake', id)
            ELSE json_build_object('granted', id, 'ticket', place, 'token', fence::text, 'ms', ms) END::text);
        END IF;
        RETURN NEXT;
      END IF;
      IF v_verdict = 'fits' AND q.owner_id IS NOT NULL THEN
        outcome := 'wake'; fence := NULL; ms := NULL;
        FOR id, place, told IN
          SELECT DISTINCT l.claim_id, l.ticket, l.channel
            FROM unnest(v_hashes, v_keys) AS w(hash, key)
           CROSS JOIN LATERAL (
             SELECT * FROM locking_queue r
              WHERE r.namespace = p_namespace AND r.hash = w.hash AND r.key = w.key AND r.owner_id = q.owner_id
                AND r.permits = q.permits AND r.expires_at > v_now OFFSET 0) AS l
           WHERE l.claim_id <> ALL (v_woken) AND l.claim_id IS DISTINCT FROM p_asker
        LOOP
          v_woken := v_woken || id;
          IF told <> coalesce(p_channel, '') THEN
            PERFORM pg_notify(told, json_build_object('wake', id)::text);
          END IF;
          RETURN NEXT;
        END LOOP;
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
