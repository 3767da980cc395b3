import { Marketplace } from "@/components/market/marketplace"
import { t } from "@/texts/en"

export const metadata = { title: t.market.title }

export default function Page() {
  return <Marketplace />
}
