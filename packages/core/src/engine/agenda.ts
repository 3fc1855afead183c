import type { Clock } from "./clock.ts";

/** Something that is to happen at a time. It carries its own place in the heap, so that setting and cancelling are cheap. */
export interface Appointment {
  /** Written by the agenda alone. */
  at: number;
  /** Written by the agenda alone; `UNSET` to begin with. */
  slot: number;
  /** Its time has come. It isn't set any more and may be set again. */
  due(now: number): void;
}

/** The slot of an appointment that isn't set. */
export const UNSET = -1;
// The slot of one that was taken off the heap and is about to be told.
const DUE = -2;

/**
 * All appointments of an engine on one timer: a binary heap ordered by time. The timer is set for the earliest and
 * left alone when that one is cancelled (it then rings in vain, once), so an uncontended lock sets none.
 */
export class Agenda {
  readonly #clock: Clock;
  readonly #keepAlive: boolean;
  readonly #heap: Appointment[] = [];
  #timer: { cancel(): void } | null = null;
  #ringsAt = Infinity;

  /** `keepAlive`: whether the process stays up while something is set. */
  constructor(clock: Clock, keepAlive: boolean) {
    this.#clock = clock;
    this.#keepAlive = keepAlive;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Sets it for `at`, or moves it there. `Infinity` cancels. */
  set(appointment: Appointment, at: number): void {
    if (at === Infinity) return this.cancel(appointment);
    appointment.at = at;
    if (appointment.slot < 0) {
      appointment.slot = this.#heap.length;
      this.#heap.push(appointment);
      this.#rise(appointment);
    } else {
      this.#rise(appointment);
      this.#sink(appointment);
    }
    if (at < this.#ringsAt) this.#arm(at);
  }

  cancel(appointment: Appointment): void {
    const { slot } = appointment;
    appointment.slot = UNSET;
    if (slot < 0) return;
    const last = this.#heap.pop();
    if (last !== undefined && last !== appointment) {
      last.slot = slot;
      this.#heap[slot] = last;
      this.#rise(last);
      this.#sink(last);
    }
    // One that keeps the process up must not do so for nothing.
    if (this.#heap.length === 0 && this.#keepAlive) this.#disarm();
  }

  #arm(at: number): void {
    this.#timer?.cancel();
    this.#ringsAt = at;
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#ring(), this.#keepAlive);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#ringsAt = Infinity;
  }

  #ring(): void {
    this.#timer = null;
    this.#ringsAt = Infinity;
    const now = this.#clock.now();
    // Only what is due now: an appointment that sets itself again for this very moment waits for the next ring.
    const due: Appointment[] = [];
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.cancel(first);
      first.slot = DUE;
      due.push(first);
    }
    try {
      for (const appointment of due) {
        // One that was told may have cancelled another of them, or set it anew.
        if (appointment.slot !== DUE) continue;
        appointment.slot = UNSET;
        appointment.due(now);
      }
    } finally {
      // Those behind one that threw are due still.
      for (const appointment of due) if (appointment.slot === DUE) this.set(appointment, appointment.at);
      const first = this.#heap[0];
      if (first !== undefined && first.at < this.#ringsAt) this.#arm(first.at);
    }
  }

  #rise(appointment: Appointment): void {
    const heap = this.#heap;
    while (appointment.slot > 0) {
      const parent = heap[(appointment.slot - 1) >> 1]!;
      if (parent.at <= appointment.at) return;
      this.#swap(parent, appointment);
    }
  }

  #sink(appointment: Appointment): void {
    const heap = this.#heap;
    for (;;) {
      const left = heap[2 * appointment.slot + 1];
      const right = heap[2 * appointment.slot + 2];
      const least = right !== undefined && right.at < left!.at ? right : left;
      if (least === undefined || least.at >= appointment.at) return;
      this.#swap(appointment, least);
    }
  }

  #swap(upper: Appointment, lower: Appointment): void {
    const { slot } = upper;
    upper.slot = lower.slot;
    lower.slot = slot;
    this.#heap[upper.slot] = upper;
    this.#heap[lower.slot] = lower;
  }
}
