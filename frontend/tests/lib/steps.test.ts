import { describe, expect, it } from "vitest"

import type { Transaction } from "@/lib/api"
import { disputesOf, documentOf } from "@/lib/dispute"
import { shownOf } from "@/lib/evidence"
import { rowsOf, stepsOf } from "@/lib/steps"

type Job = Parameters<typeof stepsOf>[0]

function told(event: string, at: number, data: Record<string, string> = {}): Transaction {
  return { event, at, block: at, tx_hash: `0x${at}`, data }
}

function job(more: Partial<Job>): Job {
  const base = {
    state: "Open",
    phase: "building",
    since: 105,
    posted_at: 100,
    attempts: 0,
    ends_by: null,
    runs: [],
    endings: [],
  }
  return { ...base, transactions: [told("JobPosted", 100)], ...more } as Job
}

const run = { attempt: 1, started_at: 120 } as Job["runs"][number]
const states = (one: Job) => stepsOf(one, 150).map((step) => `${step.name} ${step.state} ${step.took ?? "-"}`)

describe("the steps of a deployment", () => {
  it("while it is built tell how long it has been waited for", () => {
    expect(states(job({}))).toEqual([
      "published done -", "funded done -", "prepared now 50", "claimed ahead -", "ran ahead -", "closed ahead -",
    ]) // prettier-ignore
  })

  it("while it runs and after tell what each took", () => {
    expect(states(job({ state: "Running", phase: "running", attempts: 1, runs: [run] })).slice(2)).toEqual([
      "prepared done 20", "claimed done -", "ran now 30", "closed ahead -",
    ]) // prettier-ignore
    const ended = job({
      state: "Ended",
      phase: "ended",
      attempts: 1,
      runs: [run],
      transactions: [told("JobCompleted", 140)],
    })
    expect(states(ended).slice(2)).toEqual(["prepared done 20", "claimed done -", "ran done 20", "closed now 10"])
  })

  it("that a dispute ends, or time alone, end then", () => {
    const ran: Partial<Job> = { state: "Disputed", attempts: 1, runs: [run], since: 120 }
    expect(states(job({ ...ran, transactions: [told("JobDisputed", 145)] }))[4]).toBe("ran done 25")
    expect(states(job({ ...ran, state: "Ended", ends_by: 149 }))[4]).toBe("ran done 29")
  })

  it("that come to nothing say so", () => {
    const declined = job({ state: "Closed", phase: "closed", transactions: [told("JobDeclined", 130)] })
    expect(states(declined).slice(2)).toEqual([
      "prepared failed 30",
      "claimed ahead -",
      "ran ahead -",
      "closed done 20",
    ])
  })

  it("after a lapse wait again", () => {
    const lapsed = job({ since: 140, phase: "placing", attempts: 1, runs: [run] })
    expect(states(lapsed).slice(2)).toEqual(["prepared now 10", "claimed ahead -", "ran ahead -", "closed ahead -"])
  })
})

it("reports and payments that follow each other are a line of each, with the newest of them", () => {
  const paid = [1, 2, 3].flatMap((at) => [told("Released", at), told("UsageReported", at)])
  const rows = rowsOf([told("JobPosted", 0), ...paid, told("JobCompleted", 4), told("UsageReported", 5)])
  expect(rows.map(({ one, more }) => `${one.event} ${one.at} ${more}`)).toEqual([
    "JobPosted 0 0", "Released 3 2", "UsageReported 3 2", "JobCompleted 4 0", "UsageReported 5 0",
  ]) // prettier-ignore
})

describe("disputes", () => {
  const opened = told("JobDisputed", 1, { dispute_id: "7", attempt: "2", opener: "0xa", provider: "0xb", frozen: "5" })

  it("have their ruling, each its own", () => {
    const foreign = told("DisputeRuled", 2, { dispute_id: "8", share: "1" })
    const ruled = told("DisputeRuled", 3, { dispute_id: "7", share: "2500" })
    const [one, ...more] = disputesOf({ transactions: [opened, foreign, ruled] })
    expect(more).toEqual([])
    expect(one).toMatchObject({ id: "7", attempt: 2, share: 2500, ruled })
    expect(disputesOf({ transactions: [opened] })[0]?.share).toBeNull()
  })

  it("are told in a document that is read as it was written", () => {
    const claim = {
      chainId: 1,
      escrow: "0xe",
      jobId: "0xj",
      attempt: 2,
      provider: "0xb",
      title: "T",
      description: "a\n<b>",
    }
    const found = shownOf(new TextEncoder().encode(documentOf(claim)))
    expect(found).toMatchObject({ title: "T", description: "a\n<b>" })
    expect(JSON.parse(found?.text ?? "")).toMatchObject({ draas: { job: "0xj", attempt: 2, provider: "0xb" } })
  })
})
