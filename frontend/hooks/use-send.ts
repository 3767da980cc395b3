"use client"

import { useCallback } from "react"
import type {
  Abi,
  Address,
  ContractFunctionArgs,
  ContractFunctionName,
  Hash,
  SimulateContractParameters,
  TransactionReceipt,
} from "viem"
import { useConfig } from "wagmi"
import type { WriteContractParameters } from "wagmi/actions"

import { useMarket } from "@/hooks/market"
import { useChain } from "@/hooks/use-chain"
import type { Teller } from "@/hooks/use-transaction"
import { useContracts, useWallet } from "@/hooks/use-wallet"
import { errorNameOf } from "@/lib/errors"
import { tokenAbi } from "@/generated/contracts"

type Mutability = "nonpayable" | "payable"

/** One call of a contract, checked against its ABI. */
export interface Call<
  abi extends Abi,
  name extends ContractFunctionName<abi, Mutability>,
  args extends ContractFunctionArgs<abi, Mutability, name>,
> {
  address: Address
  abi: abi
  functionName: name
  args: args
  value?: bigint
}

/** Sending, on the market's chain alone: simulated first, so that a refusal is told by its name before it is paid. */
export function useSend() {
  const { address: account } = useWallet()
  const { config } = useMarket()
  const contracts = useContracts().data
  const client = useChain()
  const wallet = useConfig()

  const send = useCallback(
    async <
      const abi extends Abi,
      name extends ContractFunctionName<abi, Mutability>,
      const args extends ContractFunctionArgs<abi, Mutability, name>,
    >(
      tell: Teller,
      call: Call<abi, name, args>,
      onSent?: (hash: Hash) => void,
    ): Promise<TransactionReceipt> => {
      if (!client || !account) throw new Error("There is no wallet.")
      const asked = { ...call, account } as unknown as SimulateContractParameters
      // What a wallet is asked with is loaded when somebody sends.
      const [{ writeContract }] = await Promise.all([import("@/lib/write"), client.simulateContract(asked)])
      tell.confirming()
      const hash = await writeContract(wallet, { ...asked, chainId: config.chainId } as WriteContractParameters)
      onSent?.(hash)
      return tell.sent(hash, call.functionName)
    },
    [account, client, config.chainId, wallet],
  )

  /** The same for a call that takes tokens by allowance: exactly what is missing of it is allowed first. */
  const sendWithTokens = useCallback(
    async <
      const abi extends Abi,
      name extends ContractFunctionName<abi, Mutability>,
      const args extends ContractFunctionArgs<abi, Mutability, name>,
    >(
      tell: Teller,
      tokens: bigint,
      call: Call<abi, name, args>,
    ): Promise<TransactionReceipt> => {
      if (!client || !account || !contracts) throw new Error("There is no wallet.")
      const token = { address: contracts.token, abi: tokenAbi } as const
      const asked = { ...call, account } as unknown as SimulateContractParameters
      const allowed = await client.readContract({
        ...token,
        functionName: "allowance",
        args: [account, call.address],
      })
      if (allowed < tokens) {
        await client.simulateContract(asked).catch((error: unknown) => {
          if (errorNameOf(error) !== "ERC20InsufficientAllowance") throw error
        })
        await send(tell, { ...token, functionName: "approve", args: [call.address, tokens] })
      }
      return send(tell, call)
    },
    [account, client, contracts, send],
  )
  return { send, sendWithTokens }
}
