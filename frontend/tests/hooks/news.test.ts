import { describe, expect, it } from "vitest"

import { concerns, type News } from "@/hooks/news"

const ME = "0x98A3d58fa28cdd9489B6946E250238276b05B7BB"
const SOMEBODY = "0x5b1869D9A4C187F2EAa108f3062412ecf0526b24"
const quiet: News = { head: 7, read: 7, block: false, parties: [], agents: false }

describe("news", () => {
  it("of a block concerns what follows the chain", () => {
    const block = { ...quiet, block: true }
    expect(concerns("head", block)).toBe(true)
    expect(concerns("head", quiet)).toBe(false)
    expect(concerns("agents", block)).toBe(false)
    expect(concerns(ME, block)).toBe(false)
  })

  it("of an address's deployments concerns that address, however it is written", () => {
    expect(concerns(ME, { ...quiet, parties: [SOMEBODY] })).toBe(false)
    expect(concerns(ME, { ...quiet, parties: [SOMEBODY, ME.toLowerCase()] })).toBe(true)
    expect(concerns(ME, { ...quiet, parties: null })).toBe(true)
  })

  it("of agents concerns their list, and nothing concerns what follows nothing", () => {
    expect(concerns("agents", { ...quiet, agents: true })).toBe(true)
    expect(concerns(undefined, { ...quiet, block: true, agents: true, parties: null })).toBe(false)
  })
})
