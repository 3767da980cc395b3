import { describe, expect, it } from "vitest"

import { atMost, exact, maxCost, parseTokens, pricesOf, ratesOf, TOKEN, tokens } from "@/lib/money"

import { vectors } from "../vectors"

describe("amounts", () => {
  it.each([
    [0n, "0"],
    [TOKEN, "1"],
    [1_234_567n * TOKEN + TOKEN / 2n, "1\u202f234\u202f567.5"],
    [1n, "< 0.000001"],
    [-1n, "-< 0.000001"],
    [-TOKEN / 4n, "-0.25"],
    [1_999_999_999_999_999_999n, "1.999999"],
  ])("%s base units are shown as %s, never more than there are", (amount, shown) => {
    expect(tokens(amount)).toBe(shown)
  })

  it.each([
    [0n, "0"],
    [1n, "0.000001"],
    [TOKEN, "1"],
    [TOKEN + 1n, "1.000001"],
    [1_999_999_999_999_999_999n, "2"],
  ])("%s base units that may have to be paid are shown as %s, never less than there are", (amount, shown) => {
    expect(atMost(amount)).toBe(shown)
  })

  it("are exact in a file", () => {
    expect(exact(1n)).toBe("0.000000000000000001")
    expect(exact("-1500000000000000000")).toBe("-1.5")
  })

  it.each(["0", "12", "12.5", "0.000000000000000001", "999999999999.999999999999999999"])(
    "%s is read as typed",
    (text) => {
      const amount = parseTokens(text)
      expect(amount).not.toBeNull()
      expect(exact(amount ?? 0n)).toBe(text)
    },
  )

  it.each(["", ".", "-1", "1,5", "1e3", "0x10", "1.0000000000000000001", "Infinity", "1 2"])(
    "%j is no amount",
    (text) => {
      expect(parseTokens(text)).toBeNull()
    },
  )
})

describe("prices", () => {
  it("go to rates and back without becoming dearer", () => {
    const prices = { cpuHour: TOKEN / 10n, memoryGibHour: 7n, egressGib: TOKEN, hour: 1n }
    const back = pricesOf(ratesOf(prices))
    for (const [name, price] of Object.entries(prices))
      expect(back[name as keyof typeof back] <= price, name).toBe(true)
    expect(ratesOf(back)).toEqual(ratesOf(prices))
  })

  it("give the same most as on the Python side", () => {
    const { body, deposit } = vectors.terms
    expect(maxCost(body.resources, body.max_rates, body.duration).toString()).toBe(deposit)
  })
})
