"use client"

import { useQuery } from "@tanstack/react-query"
import type { Address, Hex } from "viem"

import { useChain } from "@/hooks/use-chain"
import { useMarket } from "@/hooks/market"
import { everyItem, type Summary } from "@/lib/api"
import { escrowAbi } from "@/generated/contracts"

/** So many jobs are read at most, the newest. */
export const MOST_JOBS = 1000
const MOST_RUNS = 500 // in one transaction, which a block has room for
const FEW = 100
const AGAIN_MS = 1500
const SELDOM_MS = 10_000 // when there are many

/** One run's money, in base units. */
export interface DueRun {
  jobId: Hex
  attempt: number
  withdrawable: bigint
  /** Reported and still in the window: it may be disputed. */
  pending: bigint
}

export interface Earnings {
  jobs: Summary[]
  withdrawable: bigint
  pending: bigint
  /** What one transaction takes out. */
  refs: { jobId: Hex; attempt: number }[]
  /** Runs left for the next one. */
  later: number
}

/** What is ready to be withdrawn from a provider's runs: which they are the scheduler tells, how much the chain. */
export function useEarnings(address: Address | undefined) {
  const { api, config } = useMarket()
  const client = useChain()
  return useQuery<Earnings>({
    queryKey: ["earnings", address],
    enabled: address !== undefined && client !== undefined,
    refetchInterval: (query) => ((query.state.data?.jobs.length ?? 0) > FEW ? SELDOM_MS : AGAIN_MS),
    queryFn: async ({ signal }): Promise<Earnings> => {
      if (!client || !address) throw new Error("There is no wallet.")
      const jobs = await everyItem<Summary>(api, `/v1/deployments?provider=${address}`, MOST_JOBS, signal)
      const escrow = { address: config.escrow, abi: escrowAbi } as const
      const read = async (jobId: Hex, attempt: number): Promise<DueRun> => {
        const args = [jobId, attempt, address] as const
        const [withdrawable, [earned, final]] = await Promise.all([
          client.readContract({ ...escrow, functionName: "withdrawableOf", args }),
          client.readContract({ ...escrow, functionName: "earnedOf", args }),
        ])
        return { jobId, attempt, withdrawable, pending: earned - final }
      }
      const runs = await Promise.all(jobs.filter((job) => job.earned !== "0").flatMap((job) => runsOf(job, read)))
      const due = runs.filter((run) => run.withdrawable > 0n)
      const refs = due.slice(0, MOST_RUNS).map(({ jobId, attempt }) => ({ jobId, attempt }))
      return {
        jobs,
        withdrawable: due.reduce((sum, run) => sum + run.withdrawable, 0n),
        pending: runs.reduce((sum, run) => sum + run.pending, 0n),
        refs,
        later: due.length - refs.length,
      }
    },
  })
}

/** Every attempt is asked for: one that was another provider's has nothing of this one's. */
function runsOf<T>(job: Summary, read: (jobId: Hex, attempt: number) => T): T[] {
  return Array.from({ length: job.attempts }, (_, index) => read(job.job_id as Hex, index + 1))
}
