import { describe, expect, it } from "vitest"

import { isOver, standing, toneOf } from "@/lib/job-state"

type Job = Parameters<typeof standing>[0]
const job = (state: Job["state"], more: Partial<Job> = {}): Job => {
  return { state, phase: "running", exit_code: null, endings: [], ...more }
}

describe("how a deployment stands", () => {
  it.each<[Job, string, string]>([
    [job("Open", { phase: "building" }), "building", "warn"],
    [job("Open", { phase: "failed" }), "failed", "bad"],
    [job("Running"), "running", "good"],
    [job("Ended", { endings: ["JobCompleted"], exit_code: 0 }), "done", "good"],
    [job("Closed", { endings: ["JobCompleted"], exit_code: 137 }), "failed (137)", "bad"],
    [job("Ended", { endings: ["JobCancelled"] }), "cancelled", "calm"],
    [job("Closed", { endings: ["JobDeclined"] }), "declined", "bad"],
    [job("Disputed", { endings: ["JobCompleted"], exit_code: 0 }), "disputed", "warn"],
    [job("Closed"), "ended", "calm"],
  ])("%o is %s", (one, word, tone) => {
    expect(standing(one)).toBe(word)
    expect(toneOf(one)).toBe(tone)
  })

  it("is over where nothing runs any more", () => {
    expect(["Open", "Running", "Ended", "Disputed", "Closed"].map(isOver)).toEqual([false, false, true, true, true])
  })
})
