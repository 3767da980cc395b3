"use client"

import dynamic from "next/dynamic"
import type { Address } from "viem"

import { DeploymentsOf } from "@/components/deployment/deployments"
import { EarningsCard } from "@/components/provider/earnings-card"
import { BondCard } from "@/components/provider/bond-card"
import { LeaveCard } from "@/components/provider/leave-card"
import { MachineCard } from "@/components/provider/machine-card"
import { RatesCard } from "@/components/provider/rates-card"
import { RegisterCard } from "@/components/provider/register-card"
import { Stat } from "@/components/ui/card"
import { Notice } from "@/components/ui/notice"
import { Ready } from "@/components/wallet/act"
import { useProvider, type ProviderRecord } from "@/hooks/use-provider"
import { useWallet } from "@/hooks/use-wallet"
import { words } from "@/lib/errors"
import { t } from "@/texts/en"

// Further down the page, and not needed for the first look at it.
const Spending = dynamic(() => import("@/components/usage/spending").then((one) => one.Spending), { ssr: false })

/** What one's address offers, what runs with it, and what it has earned. */
export function ProviderPage() {
  const { address } = useWallet()
  const provider = useProvider(address)
  return (
    <div className="space-y-5">
      <div>
        <h1 className="text-2xl font-bold">{t.provider.title}</h1>
        <p className="text-soft mt-1 max-w-2xl">{t.provider.intro}</p>
      </div>
      <Ready why={t.provider.needWallet} />
      {provider.error && (
        <Notice tone="bad">
          {words(provider.error)} {provider.data && t.common.stale}
        </Notice>
      )}
      {address && provider.isPending && <p className="text-soft">{t.common.loading}</p>}
      {address && provider.data && !provider.data.isRegistered && <RegisterCard />}
      {address && provider.data?.isRegistered && <Registered address={address} provider={provider.data} />}
    </div>
  )
}

function Registered({ address, provider }: { address: Address; provider: ProviderRecord }) {
  return (
    <>
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Stat name={t.provider.bonded}>
          <span data-fact="bonded">{provider.bonded.toLocaleString("en-GB")}</span>
        </Stat>
        <Stat name={t.provider.reserved}>{provider.reserved.toLocaleString("en-GB")}</Stat>
        <Stat name={t.provider.completed}>{provider.completed.toLocaleString("en-GB")}</Stat>
        <Stat name={t.provider.failures}>{t.provider.lapsedAndLost(provider.lapsed, provider.disputesLost)}</Stat>
      </div>
      <div className="grid gap-5 lg:grid-cols-2">
        <EarningsCard address={address} provider={provider} />
        <MachineCard address={address} />
        <RatesCard provider={provider} />
        <div className="space-y-5">
          <BondCard provider={provider} />
          <LeaveCard provider={provider} />
        </div>
      </div>
      <section className="space-y-3">
        <h2 className="text-lg font-semibold">{t.provider.jobs}</h2>
        <DeploymentsOf side="provider" address={address} title={t.provider.jobs} empty={t.provider.noJobs} />
      </section>
      <section className="space-y-3">
        <h2 className="text-lg font-semibold">{t.provider.overTime}</h2>
        <Spending side="provider" address={address} />
      </section>
    </>
  )
}
