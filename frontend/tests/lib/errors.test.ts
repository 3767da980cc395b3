import { BaseError, ContractFunctionRevertedError, encodeErrorResult, UserRejectedRequestError } from "viem"
import { describe, expect, it } from "vitest"

import { escrowAbi } from "@/generated/contracts"
import { ApiError } from "@/lib/api"
import { isRejection, words } from "@/lib/errors"
import { t } from "@/texts/en"

function reverted(data?: `0x${string}`) {
  const cause = new ContractFunctionRevertedError({ abi: escrowAbi, functionName: "topUp", ...(data ? { data } : {}) })
  return new BaseError("reverted", { cause })
}

describe("what went wrong", () => {
  it("is told by the wallet's code, however deep it lies", () => {
    expect(words({ code: 4001 })).toBe(t.wallet.rejected)
    expect(words(new Error("outer", { cause: { code: -32002 } }))).toBe(t.wallet.pending)
    expect(words({ cause: { cause: { code: 4902 } } })).toBe(t.wallet.unknownChain)
  })

  it("is no fault when somebody said no", () => {
    const no = new BaseError("failed", { cause: new UserRejectedRequestError(new Error("no")) })
    expect(isRejection(no)).toBe(true)
    expect(words(no)).toBe(t.wallet.rejected)
    expect(isRejection(new Error("broken"))).toBe(false)
  })

  it("has the contract's own name, and what it means", () => {
    const data = encodeErrorResult({ abi: escrowAbi, errorName: "WrongFee", args: [5n] })
    expect(words(reverted(data))).toBe(`${t.contract.errors.WrongFee} (WrongFee)`)
    expect(words(reverted())).toBe(t.contract.unknown)
  })

  it("says what to do where the scheduler does", () => {
    expect(words(new ApiError(409, "The job is Closed already.", "There is nothing to cancel."))).toBe(
      "The job is Closed already. There is nothing to cancel.",
    )
  })

  it("is never hidden", () => {
    expect(words("odd")).toBe("odd")
    expect(words(new Error("plain"))).toBe("plain")
  })
})
