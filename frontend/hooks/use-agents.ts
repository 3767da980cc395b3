"use client"

import { useQuery, useQueryClient } from "@tanstack/react-query"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { everyItem, type Agent } from "@/lib/api"

const KEY = ["agents"]
const MOST = 5000
const EACH_MS = 3 // that many take longer to send than few

/** Every provider's agent. */
export function useAgents() {
  const { api } = useMarket()
  const known = useQueryClient().getQueryData<Agent[]>(KEY)?.length ?? 0
  return useQuery({
    queryKey: KEY,
    ...useFollowing<Agent[]>("agents", { gapMs: 500 + EACH_MS * known }),
    queryFn: ({ signal }) => everyItem<Agent>(api, "/v1/agents", MOST, signal),
  })
}
