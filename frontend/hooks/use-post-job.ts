"use client"

import { useCallback } from "react"
import { parseSignature } from "viem"
import { useSignTypedData } from "wagmi"

import { useChain } from "@/hooks/use-chain"
import { useSend } from "@/hooks/use-send"
import { useTransaction } from "@/hooks/use-transaction"
import { useContracts, useWallet } from "@/hooks/use-wallet"
import type { BundleReceipt } from "@/lib/api"
import type { Sent } from "@/lib/bundle/draft"
import { maxCost } from "@/lib/money"
import { termsOf, jobIdOf } from "@/lib/terms"
import { t } from "@/texts/en"
import { useMarket } from "@/hooks/market"
import { escrowAbi, tokenAbi } from "@/generated/contracts"

const PERMIT_S = 1800n
const PERMIT = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const

/** One signature (EIP-2612) and one transaction: the job is posted with its deposit. */
export function usePostJob() {
  const { config } = useMarket()
  const { address } = useWallet()
  const contracts = useContracts().data
  const client = useChain()
  const { mutateAsync: sign } = useSignTypedData()
  const { send } = useSend()
  const { stage, busy, run } = useTransaction()

  const post = useCallback(
    (receipt: BundleReceipt, salt: string, onSent: (sent: Sent) => void) =>
      run(async (tell) => {
        if (!address || !contracts || !client) throw new Error("There is no wallet.")
        const terms = termsOf(receipt.terms)
        const deposit = BigInt(receipt.deposit)
        const jobId = jobIdOf(config.chainId, contracts.escrow, terms)
        const { resources, max_rates: rates, duration } = receipt.terms
        const most = maxCost({ ...resources, egress_kib_s: resources.egress_kib_s ?? 0 }, rates, duration)
        const isAsAsked =
          terms.consumer === address && terms.salt === salt && deposit === most && jobId === receipt.job_id
        if (!isAsAsked) throw new Error(t.post.notAsAsked) // nothing is signed that differs from what is shown
        const token = { address: contracts.token, abi: tokenAbi } as const
        const [nonce, domain, block] = await Promise.all([
          client.readContract({ ...token, functionName: "nonces", args: [address] }),
          client.readContract({ ...token, functionName: "eip712Domain" }),
          client.getBlock(),
        ])
        const [, name, version] = domain
        const deadline = block.timestamp + PERMIT_S
        tell.signing()
        const signature = await sign({
          domain: { name, version, chainId: config.chainId, verifyingContract: contracts.token },
          types: PERMIT,
          primaryType: "Permit",
          message: { owner: address, spender: contracts.escrow, value: deposit, nonce, deadline },
        })
        const { r, s, yParity } = parseSignature(signature)
        const args = [terms, deposit, deadline, yParity + 27, r, s] as const
        const call = { address: contracts.escrow, abi: escrowAbi, functionName: "postJobWithPermit", args } as const
        await send(tell, call, (hash) => onSent({ jobId, hash }))
      }),
    [address, client, config.chainId, contracts, run, send, sign],
  )
  return { stage, busy, post }
}
