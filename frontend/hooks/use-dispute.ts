"use client"

import { useQuery } from "@tanstack/react-query"
import { getAbiItem, type Address, type Hex } from "viem"

import { useChain, type Chain } from "@/hooks/use-chain"
import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { useContracts } from "@/hooks/use-wallet"
import type { Market } from "@/lib/api"
import { readOn, type EvidenceLog } from "@/lib/evidence-log"
import { courtAbi, escrowAbi } from "@/generated/contracts"

const EVIDENCE = getAbiItem({ abi: escrowAbi, name: "Evidence" })
const META = getAbiItem({ abi: escrowAbi, name: "MetaEvidence" })

/** What the escrow knows of a dispute that it brought to the court; null when another contract did. Amounts are base units. */
export interface Dispute {
  jobId: Hex
  attempt: number
  provider: Address
  consumer: Address
  opener: Address
  isOpen: boolean
  openedAt: number
  /** What waits for the ruling. */
  frozen: bigint
  /** From when anybody may have it split evenly. */
  dueAt: number
  appealUntil: number
  /** Wei. */
  appealCost: bigint
}

export function useDispute(id: number, arbitrable: Address) {
  const { config } = useMarket()
  const client = useChain()
  const contracts = useContracts().data
  return useQuery({
    queryKey: ["dispute", id],
    enabled: client !== undefined && contracts !== undefined,
    ...useFollowing<Dispute | null>("head", { isFinal: (known) => known?.isOpen === false }),
    queryFn: async (): Promise<Dispute | null> => {
      if (!client || !contracts) throw new Error("There is no connection to the chain.")
      if (arbitrable.toLowerCase() !== config.escrow.toLowerCase()) return null
      const escrow = { address: config.escrow, abi: escrowAbi } as const
      const [record, rulingTime, appealCost] = await Promise.all([
        client.readContract({ ...escrow, functionName: "disputes", args: [BigInt(id)] }),
        client.readContract({ ...escrow, functionName: "rulingTime" }),
        client.readContract({
          address: contracts.court,
          abi: courtAbi,
          functionName: "appealCost",
          args: [BigInt(id), "0x"],
        }),
      ])
      const { jobId, attempt, provider } = record
      const run = await client.readContract({
        ...escrow,
        functionName: "runs",
        args: [jobId, attempt, provider],
      })
      return {
        ...record,
        isOpen: record.open,
        frozen: record.open ? run.earned - run.previous : 0n,
        dueAt: record.openedAt + Number(rulingTime),
        appealUntil: record.openedAt + Number(rulingTime / 2n),
        appealCost,
      }
    },
  })
}

/** The evidence that was brought, in order: from the block in which the dispute was opened, and on from the last one read. */
export function useEvidence(id: number, dispute: Dispute | null | undefined) {
  const { config } = useMarket()
  const client = useChain()
  const bounds = useBounds(id, dispute).data
  return useQuery({
    queryKey: ["evidence", id],
    enabled: client !== undefined && bounds !== undefined,
    ...useFollowing<EvidenceLog>(dispute?.isOpen ? "head" : undefined),
    queryFn: async ({ client: queries, queryKey }): Promise<EvidenceLog> => {
      if (!client || !bounds) throw new Error("There is no such dispute.")
      const last = bounds.last ?? (await client.getBlockNumber({ cacheTime: 0 }))
      return readOn(queries.getQueryData<EvidenceLog>(queryKey), bounds.first, last, async (fromBlock, toBlock) => {
        const args = { evidenceGroupId: BigInt(id) }
        const logs = await client.getLogs({ address: config.escrow, event: EVIDENCE, args, fromBlock, toBlock })
        return logs.flatMap(({ args: { party, evidence }, blockNumber, transactionHash, logIndex }) =>
          party && evidence
            ? [{ party, path: evidence, block: blockNumber, tx: transactionHash, index: logIndex }]
            : [],
        )
      })
    },
  })
}

/** The path of what the escrow's disputes are about (ERC-1497); "" when it names nothing. */
export function useMetaEvidence() {
  const { api, config } = useMarket()
  const client = useChain()
  return useQuery({
    queryKey: ["meta-evidence", config.escrow],
    enabled: client !== undefined,
    staleTime: Infinity, // told once, when the escrow was made
    queryFn: async () => {
      if (!client) throw new Error("There is no connection to the chain.")
      const { deployed_at_block: at } = await api.get<Market>("/v1/market")
      const block = BigInt(at)
      const told = await client.getLogs({ address: config.escrow, event: META, fromBlock: block, toBlock: block })
      return told[0]?.args.evidence ?? ""
    },
  })
}

/** Between which blocks evidence can have come: from the dispute's opening to its end, or to the head while it is open. */
function useBounds(id: number, dispute: Dispute | null | undefined) {
  const client = useChain()
  return useQuery({
    queryKey: ["bounds", id, dispute?.isOpen],
    enabled: client !== undefined && dispute != null,
    staleTime: Infinity,
    queryFn: async () => {
      if (!client || !dispute) throw new Error("There is no such dispute.")
      const head = await client.getBlockNumber({ cacheTime: 0 })
      const first = await blockAt(client, dispute.openedAt, head)
      return { first, last: dispute.isOpen ? null : await blockAt(client, dispute.dueAt, head) }
    },
  })
}

/** The first block of a second or later; the head when there is none. */
async function blockAt(client: Chain, second: number, head: bigint): Promise<bigint> {
  let [low, high] = [0n, head]
  while (low < high) {
    const middle = (low + high) / 2n
    const block = await client.getBlock({ blockNumber: middle })
    if (block.timestamp < BigInt(second)) low = middle + 1n
    else high = middle
  }
  return low
}
