"use client"

import { useQuery, useQueryClient } from "@tanstack/react-query"
import type { Address } from "viem"

import { useMarket } from "@/hooks/market"
import { useFollowing, useMarketLink } from "@/hooks/news"
import type { Link } from "@/hooks/use-events"
import type { Deployment } from "@/lib/api"

/** One deployment, as it is at each moment; null until the scheduler has read its block. */
export function useDeployment(jobId: string): { deployment: Deployment | null; link: Link } {
  const { api } = useMarket()
  const link = useMarketLink()
  const key = ["deployment", jobId]
  const known = useQueryClient().getQueryData<Deployment | null>(key)
  const { data } = useQuery({
    queryKey: key,
    ...useFollowing<Deployment | null>(known ? (known.consumer as Address) : "head", { isFinal: isOver }),
    queryFn: ({ signal }) => api.find<Deployment>(`/v1/deployments/${jobId}`, signal),
  })
  return { deployment: data ?? null, link: isOver(data) ? "over" : link }
}

function isOver(deployment: Deployment | null | undefined): boolean {
  return deployment?.state === "Closed"
}
