/** A defect put into the engine: in a file of `packages/core/src/engine`, this text becomes that. */
export interface Mutation {
  /** What is wrong with the engine then. */
  readonly defect: string;
  readonly file: string;
  readonly text: string;
  readonly becomes: string;
}

/** Defects that an engine of locks could have, each of which the simulation must find within 10,000 schedules. */
export const mutations: readonly Mutation[] = [
  {
    defect: "trusts a hand-over for a place that the claim has lost meanwhile",
    file: "waiting.ts",
    text: "if (waiting.ticket === null || waiting.ticket !== handover.ticket)",
    becomes: "if (waiting.ticket === null)",
  },
  {
    defect: "trusts a hand-over while a request is under way",
    file: "waiting.ts",
    text: 'if (waiting.asking !== null) return { act: "idle", waiting: { ...waiting, early: { handover, heardAt } } };',
    becomes: "",
  },
  {
    defect: "counts the lease from when the answer came",
    file: "waiting.ts",
    text: "        since: sentAt,\n        remaining: reply.remaining,",
    becomes: "        since: now,\n        remaining: reply.remaining,",
  },
  {
    defect: "counts a renewed lease from when the answer came",
    file: "grant.ts",
    text: "confirmed(this.#lease, sentAt, reply.remaining, length)",
    becomes: "confirmed(this.#lease, this.#host.clock.now() + 0 * sentAt, reply.remaining, length)",
  },
  {
    defect: "counts a lease that was handed over from when it was heard of",
    file: "waiting.ts",
    text: "const since = handover.provisional ? waiting.since : heardAt;",
    becomes: "const since = heardAt;",
  },
  {
    defect: "leaves no tombstone when it withdraws",
    file: "waiter.ts",
    text: "this.host.withdraw(this.claim, mayStillArrive(waiting), () => this.#settle(ending));",
    becomes: "this.host.withdraw(this.claim, false, () => this.#settle(ending));",
  },
  {
    defect: "leaves no tombstone when it releases what was asked for more than once",
    file: "grant.ts",
    text: "tombstone: this.#tombstone,",
    becomes: "tombstone: false,",
  },
  {
    defect: "leaves the tombstone to another claim, under whose grant it was granted in place",
    file: "waiter.ts",
    text: "const tombstone = stray === grantId;",
    becomes: "const tombstone = stray !== undefined;",
  },
  {
    defect: "withdraws without caring whether that arrives",
    file: "delivery.ts",
    text: "if (isLockError(error) || next >= this.#until || this.#host.closed) this.#host.delivered(this);",
    becomes: "if (isLockError(error) || next >= 0) this.#host.delivered(this);",
  },
  {
    defect: "gives up delivering after a while, whatever the lease",
    file: "delivery.ts",
    text: "next >= this.#until",
    becomes: "next >= Math.min(this.#until, this.#host.clock.now() + 1_000)",
  },
  {
    defect: "withdraws for no longer than a short lease lasts, though the request may come later",
    file: "exchange.ts",
    text: "Math.max(claim.lease, this.policy.callTimeout) * 2",
    becomes: "claim.lease * 2",
  },
  {
    defect: "does not withdraw what it gives up",
    file: "waiter.ts",
    text: "if (!leavesTraces(waiting)) return this.#settle(ending);",
    becomes: "if (waiting !== null) return this.#settle(ending);",
  },
  {
    defect: "forgets a wake-up that comes while a request is under way",
    file: "waiting.ts",
    text: "waiting: { ...waiting, askAgain: true } };",
    becomes: "waiting };",
  },
  {
    defect: "starts a job when the answer took longer than the lease",
    file: "waiting.ts",
    text: "if (rules.runsJob && sentAt + reply.remaining <= now)",
    becomes: "if (rules.runsJob && sentAt + reply.remaining <= 0)",
  },
  {
    defect: "starts a job on a hand-over whose lease is over",
    file: "waiting.ts",
    text: "rules.runsJob && left >= handover.remaining / 4",
    becomes: "rules.runsJob && left >= -Infinity",
  },
  {
    defect: "does not hear that a renewal found the lock lost",
    file: "grant.ts",
    text: 'if (reply.status === "lost") this.lose("the backend does not hold it any more");',
    becomes: 'if (reply.status === "lost") this.#lastFailure = reply;',
  },
  {
    defect: "reports a success when the release finds the lock gone",
    file: "job.ts",
    text: 'if (freed === "gone") throw',
    becomes: 'if (freed === ("never" as Freed)) throw',
  },
  {
    defect: "goes on renewing after the release",
    file: "grant.ts",
    text: '      this.#over = "released";\n      this.#host.leases.cancel(this);',
    becomes: '      this.#over = "released";',
  },
  {
    defect: "does not renew",
    file: "grant.ts",
    text: "if (now >= this.#lease.deadline) return this.#expire();\n    this.#renew();",
    becomes: "if (now >= this.#lease.deadline) return this.#expire();",
  },
  {
    defect: "hands on from acquire what it has not confirmed",
    file: "waiting.ts",
    text: "rules.runsJob && left >= handover.remaining / 4",
    becomes: "left >= handover.remaining / 4",
  },
  {
    defect: "goes on as before when a shorter expiry was asked for in vain",
    file: "grant.ts",
    text: "this.#lease = askedFor(this.#lease, this.#host.clock.now(), length);",
    becomes: "this.#lease = askedFor(this.#lease, Infinity, length);",
  },
  {
    defect: "trusts a longer expiry, though a shorter one may still arrive",
    file: "lease.ts",
    text: "Math.min(remaining, shortestStray(lease, sentAt))",
    becomes: "Math.max(remaining, 0 * sentAt)",
  },
  {
    defect: "does not ask by itself while it waits to be woken",
    file: "waiting.ts",
    text: "rules.push ? CHECK_INTERVAL : pause(waiting, rules)",
    becomes: "rules.push ? Infinity : pause(waiting, rules)",
  },
  {
    defect: "does not ask when the lease in its way ends",
    file: "waiting.ts",
    text: "Math.min(untilEnd(checkIn), rules.push",
    becomes: "Math.min(untilEnd(Infinity * (checkIn + 1e9)), rules.push",
  },
  {
    defect: "leaves its listener on the caller's signal",
    file: "waiter.ts",
    text: 'this.signal?.removeEventListener("abort", this);',
    becomes: "",
  },
  {
    defect: "says that the lock is held by others when the backend was never heard",
    file: "waiting.ts",
    text: "return waiting.answers > 0 && now - waiting.asking < SILENCE;",
    becomes: "return now - waiting.asking < Infinity;",
  },
  {
    defect: "ends no waiter when it closes",
    file: "engine.ts",
    text: "    residents.endWaiters();\n",
    becomes: "",
  },
  {
    defect: "notices an ended lease only when its timer rings",
    file: "grant.ts",
    text: "return Math.max(0, this.#lease.deadline - this.#host.clock.now());",
    becomes: "return Math.max(1, this.#lease.deadline - this.#host.clock.now());",
  },
  {
    defect: "frees a lock that its job still uses, when it closes",
    file: "engine.ts",
    text: "    residents.endGrants();\n",
    becomes: "    await this.#store.releaseAll(null);\n",
  },
  {
    defect: "forgets that a batch which failed may still arrive",
    file: "waiter.ts",
    text: "const waiting = repeated ? askedBefore(this.#waiting) : this.#waiting;",
    becomes: "const waiting = this.#waiting;",
  },
];
