import { beforeEach, describe, expect, test } from "vitest";
import { Agenda } from "../../src/engine/agenda.ts";
import { Outbox, type Receiver } from "../../src/engine/outbox.ts";
import { deferred, type Deferred } from "../deferred.ts";
import { ManualClock, settled } from "./manual-clock.ts";

type Reply = { status: "ok"; for: number } | { status: "failed"; error: unknown };

let clock: ManualClock;
let sent: { requests: readonly number[]; reply: Deferred<readonly Reply[]> }[];
beforeEach(() => {
  clock = new ManualClock();
  sent = [];
});

function outbox(batch: number, repeatable = true): Outbox<number, Reply> {
  const agenda = new Agenda(clock, true);
  return new Outbox<number, Reply>({
    clock,
    agenda,
    batch,
    callTimeout: 1_000,
    repeatable,
    send: (requests) => {
      const reply = deferred<readonly Reply[]>();
      sent.push({ requests, reply });
      return reply.promise;
    },
    isReply: ({ status }) => status === "ok",
  });
}

function ok(...requests: number[]): Reply[] {
  return requests.map((request) => ({ status: "ok", for: request }));
}

class Sender implements Receiver<{ status: "ok"; for: number }> {
  readonly heard: unknown[] = [];

  answered(reply: { for: number }, sentAt: number, repeated: boolean): void {
    this.heard.push({ answer: reply.for, sentAt, repeated });
  }

  failed(error: unknown, sentAt: number): void {
    this.heard.push({ failure: error instanceof Error ? error.message : error, sentAt });
  }
}

function post(box: Outbox<number, Reply>, ...requests: number[]): Sender[] {
  return requests.map((request) => {
    const sender = new Sender();
    box.post(request, sender);
    return sender;
  });
}

describe("the outbox", () => {
  test("sends the requests of one tick together, also those that its promises set off", async () => {
    const box = outbox(100);
    post(box, 1, 2);
    void Promise.resolve().then(() => post(box, 3));
    await settled();
    post(box, 4);
    await settled();
    expect(sent.map(({ requests }) => requests)).toEqual([[1, 2, 3], [4]]);
  });

  test("tells each sender of its own request, and when it went out", async () => {
    const box = outbox(100);
    await clock.run(7);
    const senders = post(box, 1, 2);
    await settled();
    sent[0]!.reply.resolve([...ok(1), { status: "failed", error: "refused" }]);
    await settled();
    expect(senders.map(({ heard }) => heard)).toEqual([
      [{ answer: 1, sentAt: 7, repeated: false }],
      [{ failure: "refused", sentAt: 7 }],
    ]);
    expect(clock.pending).toBe(0);
  });

  test("never sends more than a batch at once", async () => {
    const box = outbox(2);
    post(box, 1, 2, 3, 4, 5);
    await settled();
    expect(sent.map(({ requests }) => requests)).toEqual([[1, 2], [3, 4], [5]]);
  });

  test("with a batch of one sends at once", () => {
    post(outbox(1), 1, 2);
    expect(sent.map(({ requests }) => requests)).toEqual([[1], [2]]);
  });

  test("when a batch fails as a whole, each is asked again alone, and told so", async () => {
    const [first, second] = post(outbox(100), 1, 2);
    await settled();
    sent[0]!.reply.reject(new Error("poisoned"));
    await settled();
    expect(sent.map(({ requests }) => requests)).toEqual([[1, 2], [1], [2]]);
    sent[1]!.reply.resolve(ok(1));
    sent[2]!.reply.reject(new Error("poison"));
    await settled();
    expect(first!.heard).toEqual([{ answer: 1, sentAt: 0, repeated: true }]);
    expect(second!.heard).toEqual([{ failure: "poison", sentAt: 0 }]);
  });

  test("what is not repeatable is never sent twice", async () => {
    const senders = post(outbox(100, false), 1, 2);
    await settled();
    sent[0]!.reply.reject(new Error("cut"));
    await settled();
    expect(sent).toHaveLength(1);
    for (const { heard } of senders) expect(heard).toEqual([{ failure: "cut", sentAt: 0 }]);
  });

  test("a single request that fails is its sender's affair", async () => {
    const [sender] = post(outbox(100), 1);
    await settled();
    sent[0]!.reply.reject(new Error("cut"));
    await settled();
    expect(sent).toHaveLength(1);
    await clock.run(5_000);
    expect(sender!.heard).toEqual([{ failure: "cut", sentAt: 0 }]);
    expect(clock.pending).toBe(0);
  });

  test("no answer in time is a failure; what comes later is not heard", async () => {
    const [sender] = post(outbox(100), 1);
    await clock.run(999);
    expect(sender!.heard).toEqual([]);
    await clock.run(1_000);
    expect(sender!.heard).toEqual([{ failure: "The backend gave no answer within 1000 ms", sentAt: 0 }]);
    sent[0]!.reply.resolve(ok(1));
    await settled();
    expect(sender!.heard).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test("nor is a failure heard that comes later", async () => {
    const [sender] = post(outbox(100), 1);
    await clock.run(1_000);
    sent[0]!.reply.reject(new Error("cut"));
    await settled();
    expect(sender!.heard).toEqual([{ failure: "The backend gave no answer within 1000 ms", sentAt: 0 }]);
  });

  test("a store that answers too few is not believed", async () => {
    const senders = post(outbox(100, false), 1, 2);
    await settled();
    sent[0]!.reply.resolve(ok(1));
    await settled();
    for (const { heard } of senders)
      expect(heard).toEqual([{ failure: "The store answered 1 of 2 requests", sentAt: 0 }]);
  });

  test("a store that answers with nothing at all has failed", async () => {
    const [sender] = post(outbox(100), 1);
    await settled();
    sent[0]!.reply.resolve(undefined as unknown as Reply[]);
    await settled();
    expect(sender!.heard).toEqual([{ failure: "The store answered undefined of 1 requests", sentAt: 0 }]);
  });

  test("a store that answers one of them with nothing has failed for that one", async () => {
    const senders = post(outbox(100), 1, 2);
    await settled();
    sent[0]!.reply.resolve([undefined as unknown as Reply, ...ok(2)]);
    await settled();
    expect(senders.map(({ heard }) => heard)).toEqual([
      [{ failure: "The store answered a request with nothing", sentAt: 0 }],
      [{ answer: 2, sentAt: 0, repeated: false }],
    ]);
  });

  test("a store that throws at once has failed like any other", () => {
    const box = new Outbox<number, Reply>({
      clock,
      agenda: new Agenda(clock, true),
      batch: 1,
      callTimeout: 1_000,
      repeatable: true,
      send: () => {
        throw new Error("at once");
      },
      isReply: () => true,
    });
    const [sender] = post(box, 1);
    expect(sender!.heard).toEqual([{ failure: "at once", sentAt: 0 }]);
  });
});
