import { notFound } from "next/navigation"

import { TransactionPage } from "@/components/tx/transaction-page"
import { t } from "@/texts/en"

export const metadata = { title: t.tx.view }

export default async function Page({ params }: { params: Promise<{ hash: string }> }) {
  const { hash } = await params
  if (!/^0x[0-9a-f]{64}$/.test(hash)) notFound()
  return <TransactionPage hash={hash as `0x${string}`} />
}
