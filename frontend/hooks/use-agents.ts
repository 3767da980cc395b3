"use client"

import { useQuery } from "@tanstack/react-query"

import { useMarket } from "@/hooks/market"
import { useFollowing } from "@/hooks/news"
import { everyItem, type Agent } from "@/lib/api"

const MOST = 5000
const EACH_MS = 3 // that many take longer to send than few

/** Every provider's agent. */
export function useAgents() {
  const { api } = useMarket()
  return useQuery({
    queryKey: ["agents"],
    ...useFollowing<Agent[]>("agents", { gapMs: (known) => 500 + EACH_MS * (known?.length ?? 0) }),
    queryFn: ({ signal }) => everyItem<Agent>(api, "/v1/agents", MOST, signal),
  })
}
