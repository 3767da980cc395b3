import { describe, expect, it } from "vitest"

import { concerns, type News } from "@/hooks/news"

const ME = "0x98A3d58fa28cdd9489B6946E250238276b05B7BB"
const SOMEBODY = "0x5b1869D9A4C187F2EAa108f3062412ecf0526b24"
const quiet: News = { head: 7, read: 7, parties: [], agents: false }

describe("news", () => {
  it("of a block concerns what follows the chain", () => {
    expect(concerns("head", quiet, true)).toBe(true)
    expect(concerns("head", quiet, false)).toBe(false)
    expect(concerns("agents", quiet, true)).toBe(false)
    expect(concerns(ME, quiet, true)).toBe(false)
  })

  it("of an address's deployments concerns that address, however it is written", () => {
    expect(concerns(ME, { ...quiet, parties: [SOMEBODY] }, false)).toBe(false)
    expect(concerns(ME, { ...quiet, parties: [SOMEBODY, ME.toLowerCase()] }, false)).toBe(true)
    expect(concerns(ME, { ...quiet, parties: null }, false)).toBe(true)
  })

  it("of agents concerns their list, and nothing concerns what follows nothing", () => {
    expect(concerns("agents", { ...quiet, agents: true }, false)).toBe(true)
    expect(concerns(undefined, { ...quiet, agents: true, parties: null }, true)).toBe(false)
  })
})
