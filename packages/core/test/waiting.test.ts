import { describe, expect, test } from "vitest";
import { LockError } from "../src/contract/errors.ts";
import { CHECK_INTERVAL, type Handover } from "../src/contract/lock-store.ts";
import { defaultPolicy } from "../src/engine/policy.ts";
import {
  answered,
  couldAsk,
  handedOver,
  leavesTraces,
  startWaiting,
  timePassed,
  unanswered,
  wakesAt,
  woken,
  type Rules,
  type Waiting,
} from "../src/engine/waiting.ts";

const job: Rules = { policy: defaultPolicy, push: true, runsJob: true, random: () => 0 };
const handle: Rules = { ...job, runsJob: false };
const polling: Rules = { ...job, push: false };
type Reply = Parameters<typeof answered>[1];

const place: Reply = { status: "queued", ticket: 7, checkIn: Infinity };
const cut = new Error("cut");

function granted(remaining: number): Reply {
  return { status: "granted", grantId: "mine", token: 1, remaining };
}

/** Asked at 0, told at `now` that it stands at ticket 7. */
function inTheQueue(now = 10, timeout = 5_000): Waiting {
  return answered(startWaiting(0, timeout, true), place, 0, now, job).waiting;
}

function handover(more: Partial<Handover> = {}): Handover {
  return { claimId: "mine", ticket: 7, token: 2, remaining: 8_000, provisional: true, ...more };
}

describe("a grant that is answered", () => {
  test("counts from when its request was sent", () => {
    const step = answered(startWaiting(100, 5_000, true), granted(1_000), 100, 400, job);
    expect(step).toMatchObject({ act: "grant", since: 100, remaining: 1_000, grantId: "mine" });
  });

  test("later than it lasts starts no job, and is asked for again", () => {
    const step = answered(startWaiting(0, 5_000, true), granted(300), 0, 300, job);
    expect(step.act).toBe("idle");
    expect(wakesAt(step.waiting)).toBeGreaterThan(300);
    expect(leavesTraces(step.waiting)).toBe(true);
  });

  test("later than it lasts is handed on by acquire: the handle says what is left", () => {
    expect(answered(startWaiting(0, 5_000, true), granted(300), 0, 400, handle).act).toBe("grant");
  });
});

describe("a refusal", () => {
  test("ends a call that does not wait", () => {
    const busy: Reply = { status: "busy", ownerId: "u", freeIn: 5 };
    expect(answered(startWaiting(0, 5_000, false), busy, 0, 1, job)).toMatchObject({
      act: "refuse",
      ownerId: "u",
    });
  });

  test("lets a call that waits ask again after a pause, or when the lease in its way ends", () => {
    const waiting = startWaiting(0, 5_000, true);
    const after = (freeIn: number): number =>
      wakesAt(answered(waiting, { status: "busy", ownerId: null, freeIn }, 0, 100, polling).waiting);
    expect(after(Infinity)).toBe(105);
    expect(after(2)).toBe(103);
  });

  test("that names an end in the past does not make it ask in a circle", () => {
    const reply: Reply = { status: "busy", ownerId: null, freeIn: -50 };
    const step = answered(startWaiting(0, 5_000, true), reply, 0, 100, polling);
    expect(step.act).toBe("idle");
    expect(wakesAt(step.waiting)).toBeGreaterThan(100);
  });
});

describe("a place in the queue", () => {
  test("is looked after every 3 s where the store pushes", () => {
    expect(wakesAt(inTheQueue(10))).toBe(10 + CHECK_INTERVAL);
  });

  test("and when the first lease in its way ends", () => {
    const soon = answered(startWaiting(0, 5_000, true), { ...place, checkIn: 400 }, 0, 10, job);
    expect(wakesAt(soon.waiting)).toBe(411);
    const past = answered(startWaiting(0, 5_000, true), { ...place, checkIn: -9 }, 0, 10, job);
    expect(past.act).toBe("idle");
    expect(wakesAt(past.waiting)).toBe(11);
  });

  test("and after a pause where it does not", () => {
    expect(wakesAt(answered(startWaiting(0, 5_000, true), place, 0, 10, polling).waiting)).toBe(15);
  });

  test("never keeps it longer than its time", () => {
    expect(wakesAt(inTheQueue(10, 200))).toBe(200);
    expect(timePassed(inTheQueue(10, 200), 200).act).toBe("give-up");
    expect(timePassed(inTheQueue(), 3_010).act).toBe("ask");
  });
});

describe("a hand-over", () => {
  test("counts from the send of the last request that was answered queued", () => {
    expect(handedOver(inTheQueue(), handover(), 2_000, job)).toMatchObject({
      act: "grant",
      since: 0,
      remaining: 8_000,
    });
  });

  test("of which too little is left is confirmed before the job starts", () => {
    expect(handedOver(inTheQueue(), handover(), 6_000, job).act).toBe("grant");
    expect(handedOver(inTheQueue(), handover(), 6_001, job).act).toBe("ask");
  });

  test("is confirmed before acquire resolves", () => {
    expect(handedOver(inTheQueue(), handover(), 20, handle).act).toBe("ask");
  });

  test("that is complete counts from now", () => {
    const complete = handover({ provisional: false, remaining: 50 });
    expect(handedOver(inTheQueue(), complete, 2_000, handle)).toMatchObject({ act: "grant", since: 2_000 });
  });

  test("to a place where it does not stand is only a reason to ask", () => {
    expect(handedOver(inTheQueue(), handover({ ticket: 6 }), 20, job).act).toBe("ask");
  });

  test("that comes before the answer to a request is kept until it", () => {
    const early = handedOver(startWaiting(0, 5_000, true), handover(), 5, job);
    expect(early.act).toBe("idle");
    expect(answered(early.waiting, place, 0, 10, job)).toMatchObject({ act: "grant", since: 0 });
    expect(answered(early.waiting, { ...place, ticket: 8 }, 0, 10, job).act).toBe("idle");
  });

  test("that is complete and came before the answer counts from when it came", () => {
    const complete = handover({ provisional: false, remaining: 1_000 });
    const early = handedOver(startWaiting(0, 5_000, true), complete, 5, handle);
    const step = { act: "grant", since: 5, remaining: 1_000 };
    expect(answered(early.waiting, place, 0, 900, handle)).toMatchObject(step);
    expect(answered(early.waiting, place, 0, 1_005, handle).act).toBe("ask");
  });

  test("that comes before a request fails is a reason to ask at once", () => {
    const early = handedOver(startWaiting(0, 5_000, true), handover(), 5, job);
    expect(unanswered(early.waiting, cut, 10, job).act).toBe("ask");
  });
});

describe("a wake-up", () => {
  test("makes it ask, at once or after the answer that may not know of it", () => {
    expect(woken(inTheQueue(), 20).act).toBe("ask");
    const later = woken(startWaiting(0, 5_000, true), 5);
    expect(later.act).toBe("idle");
    expect(answered(later.waiting, place, 0, 10, job).act).toBe("ask");
  });
});

describe("a failure", () => {
  test("is asked again after a pause, as long as there is time", () => {
    const step = unanswered(startWaiting(0, 5_000, true), cut, 10, job);
    expect(step.act).toBe("idle");
    expect(wakesAt(step.waiting)).toBeGreaterThan(10);
  });

  test("ends a call that does not wait after a few tries", () => {
    let waiting = startWaiting(0, 5_000, false);
    const acts = [1, 2, 3].map((now) => {
      const step = unanswered({ ...waiting, asking: now }, cut, now, job);
      waiting = step.waiting;
      return step.act;
    });
    expect(acts).toEqual(["idle", "idle", "fail"]);
  });

  test("with a code of its own is the backend's word: it is not asked again", () => {
    const refusal = new LockError("LOCK_UNAVAILABLE", "out of memory");
    expect(unanswered(startWaiting(0, 5_000, true), refusal, 10, job)).toMatchObject({
      act: "fail",
      error: refusal,
    });
  });
});

describe("when time is up", () => {
  test("the backend could be asked if it answered and nothing has failed since", () => {
    expect(couldAsk(inTheQueue(), 5_000)).toBe(true);
    expect(couldAsk(unanswered(woken(inTheQueue(), 20).waiting, cut, 30, job).waiting, 5_000)).toBe(false);
  });

  test("a request that has just been sent says nothing against it, a long silence does", () => {
    const asking = woken(inTheQueue(), 4_500).waiting;
    expect(couldAsk(asking, 5_000)).toBe(true);
    expect(couldAsk(asking, 5_500)).toBe(false);
  });

  test("it could not if it never answered", () => {
    expect(couldAsk(startWaiting(0, 200, true), 200)).toBe(false);
  });
});

test("a claim that is said to be withdrawn, which it was not, is not waited for any longer", () => {
  expect(answered(startWaiting(0, 5_000, true), { status: "withdrawn" }, 0, 1, job)).toMatchObject({
    act: "fail",
    error: { code: "LOCK_UNAVAILABLE" },
  });
});
