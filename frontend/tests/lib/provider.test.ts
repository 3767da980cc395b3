import { describe, expect, it } from "vitest"

import { cardOf, faultyPrices, isSameRates, ratesOfTexts, textsOf, unitsOf, USUAL } from "@/lib/provider"

describe("a provider's prices", () => {
  it("become the rates that chain.prices makes of them, rounded down", () => {
    expect(ratesOfTexts(USUAL)).toEqual({
      cpu_ms: "13888888888",
      memory_mib_s: "2712673611",
      egress_kib: "19073486328",
      wall_s: "2777777777777",
    })
  })

  it("come back from the chain as they were typed", () => {
    for (const texts of [USUAL, { cpuHour: "1234.5", memoryGibHour: "0", hour: "0.000001", egressGib: "3" }]) {
      expect(textsOf(ratesOfTexts(texts))).toEqual(texts)
      expect(isSameRates(ratesOfTexts(textsOf(ratesOfTexts(texts))), ratesOfTexts(texts))).toBe(true)
    }
  })

  it("are refused when they are no amounts or too large for the contract", () => {
    expect(faultyPrices(USUAL)).toEqual([])
    expect(faultyPrices({ ...USUAL, cpuHour: "1,5", hour: "" })).toEqual(["cpuHour", "hour"])
    expect(faultyPrices({ ...USUAL, hour: "99999999999" })).toEqual(["hour"])
  })

  it("go to the contract as whole numbers", () => {
    expect(cardOf(ratesOfTexts(USUAL)).cpuMs).toBe(13888888888n)
  })
})

describe("capacity", () => {
  it("is counted in thousandths of a core and in MiB", () => {
    expect(unitsOf("1", "1024")).toBe(2024)
    expect(unitsOf("0.5", "0")).toBe(500)
  })

  it.each([
    ["", "1024"],
    ["0", "0"],
    ["-1", "2000"],
    ["x", "1"],
    ["9999999", "0"],
  ])("is none when it is %j cores and %j MiB", (cores, memory) => {
    expect(unitsOf(cores, memory)).toBeNull()
  })
})
