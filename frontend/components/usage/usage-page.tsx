"use client"

import { CreditCard } from "@/components/usage/credit-card"
import { Spending } from "@/components/usage/spending"
import { Notice } from "@/components/ui/notice"
import { useWallet } from "@/hooks/use-wallet"
import { t } from "@/texts/en"

/** What one's address has spent. */
export function UsagePage() {
  const { address } = useWallet()
  return (
    <div className="space-y-5">
      <div>
        <h1 className="text-2xl font-bold">{t.usage.title}</h1>
        <p className="text-soft mt-1 max-w-2xl">{t.usage.intro}</p>
      </div>
      {!address && <Notice>{t.usage.needWallet}</Notice>}
      {address && <CreditCard address={address} />}
      {address && <Spending side="consumer" address={address} />}
    </div>
  )
}
