"use client"

import { QueryClient, QueryClientProvider } from "@tanstack/react-query"
import { createContext, useContext, useMemo, useState, type ReactNode } from "react"
import { defineChain, http } from "viem"
import { createConfig, createStorage, noopStorage, WagmiProvider } from "wagmi"

import { Api } from "@/lib/api"
import { TEST_CHAINS, type Config } from "@/lib/config"

interface MarketContext {
  config: Config
  api: Api
  hasFaucet: boolean
}

const Context = createContext<MarketContext | null>(null)

/** Everything below knows its market, its chain and the wallets of this browser. */
export function MarketProvider({ config, children }: { config: Config; children: ReactNode }) {
  const [queries] = useState(() => new QueryClient({ defaultOptions: { queries: { retry: 1, staleTime: 1000 } } }))
  const market = useMemo(
    () => ({ config, api: new Api(config.schedulerUrl), hasFaucet: TEST_CHAINS.includes(config.chainId) }),
    [config],
  )
  const wagmi = useMemo(() => wagmiConfig(config), [config])
  return (
    <Context value={market}>
      <WagmiProvider config={wagmi} reconnectOnMount>
        <QueryClientProvider client={queries}>{children}</QueryClientProvider>
      </WagmiProvider>
    </Context>
  )
}

export function useMarket(): MarketContext {
  const found = useContext(Context)
  if (found === null) throw new Error("useMarket outside of MarketProvider")
  return found
}

/** Wallets are discovered by EIP-6963 alone. What is kept in the browser is which of them was used last. */
function wagmiConfig(config: Config) {
  const chain = defineChain({
    id: config.chainId,
    name: config.chainId === 1337 || config.chainId === 31337 ? "DRaaS local" : `Chain ${config.chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [config.rpcUrl] } },
  })
  return createConfig({
    chains: [chain],
    transports: { [chain.id]: http(config.rpcUrl, { batch: true }) },
    multiInjectedProviderDiscovery: true,
    pollingInterval: 500,
    ssr: true,
    storage: createStorage({ storage: typeof window === "undefined" ? noopStorage : window.localStorage }),
  })
}
