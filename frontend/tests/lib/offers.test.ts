import { describe, expect, it } from "vitest"

import type { Agent } from "@/lib/api"
import { isShown, offerOf, type Wanted } from "@/lib/offers"

const WANTED: Wanted = {
  cpu_millis: 1000,
  memory_mib: 256,
  egress_kib_s: 0,
  seconds: 3600,
  gpu: false,
  runtime: "",
  text: "",
  onlyFitting: false,
}
const RATES = { cpu_ms: "10", memory_mib_s: "2", egress_kib: "0", wall_s: "1" }

function agent(more: Partial<Agent> = {}): Agent {
  const free = { cpu_millis: 2000, memory_mib: 1024, egress_kib_s: 100 }
  const base = {
    agent: "0xAbCd",
    live: true,
    draining: false,
    free,
    rates: RATES,
    gpus: 0,
    runtimes: ["runc", "gvisor+1.2"],
  }
  return { ...base, attributes: { region: "eu" }, ...more } as Agent
}

describe("an offer", () => {
  it("costs at most what all that is reserved costs for all of the time", () => {
    expect(offerOf(agent(), WANTED).cost).toBe(1000n * 3600n * 10n + 256n * 3600n * 2n + 3600n)
    expect(offerOf(agent({ rates: null }), WANTED)).toMatchObject({ cost: null, prices: null })
  })

  it.each<[Partial<Agent>, string]>([
    [{}, ""],
    [{ live: false }, "gone"],
    [{ draining: true }, "draining"],
    [{ free: { cpu_millis: 999, memory_mib: 1024, egress_kib_s: 0 } }, "small"],
  ])("of %o lacks %j", (more, lacks) => expect(offerOf(agent(more), WANTED).lacks).toBe(lacks))

  it("is shown when every word, the runtime and the GPU that are looked for are there", () => {
    const shows = (wanted: Partial<Wanted>, more: Partial<Agent> = {}) => {
      return isShown(offerOf(agent(more), { ...WANTED, ...wanted }), { ...WANTED, ...wanted })
    }
    expect(shows({ text: "EU 0xabcd" })).toBe(true)
    expect(shows({ text: "eu us" })).toBe(false)
    expect(shows({ runtime: "gvisor" })).toBe(true)
    expect(shows({ runtime: "kata" })).toBe(false)
    expect(shows({ gpu: true })).toBe(false)
    expect(shows({ onlyFitting: true }, { draining: true })).toBe(false)
  })
})
