import { expect, it } from "vitest"

import { readConfig } from "@/lib/config"

const GOOD = {
  NEXT_PUBLIC_CONTRACT_ADDRESS: " 0x5b1869D9A4C187F2EAa108f3062412ecf0526b24 ",
  NEXT_PUBLIC_NETWORK_ID: "1337",
  NEXT_PUBLIC_RPC_URL: "http://127.0.0.1:8545",
}

it("the settings of a market are read, and the scheduler is the local one unless another is named", () => {
  expect(readConfig(GOOD)).toEqual({
    escrow: "0x5b1869D9A4C187F2EAa108f3062412ecf0526b24",
    chainId: 1337,
    rpcUrl: "http://127.0.0.1:8545",
    schedulerUrl: "http://127.0.0.1:5000",
  })
  expect(readConfig({ ...GOOD, SCHEDULER_URL: "https://market.example//" })).toMatchObject({
    schedulerUrl: "https://market.example",
  })
})

it.each([
  ["NEXT_PUBLIC_CONTRACT_ADDRESS", "0x5b1869"],
  ["NEXT_PUBLIC_CONTRACT_ADDRESS", ""],
  ["NEXT_PUBLIC_NETWORK_ID", "mainnet"],
  ["NEXT_PUBLIC_NETWORK_ID", "0"],
  ["NEXT_PUBLIC_NETWORK_ID", "1.5"],
  ["NEXT_PUBLIC_RPC_URL", "javascript:alert(1)"],
  ["NEXT_PUBLIC_RPC_URL", "127.0.0.1:8545"],
  ["SCHEDULER_URL", "ws://x"],
])("%s = %j is refused by its name", (name, value) => {
  const found = readConfig({ ...GOOD, [name]: value })
  expect(found).toEqual([expect.stringContaining(name)])
})

it("all that is wrong is told at once", () => {
  expect(readConfig({})).toHaveLength(3)
})
