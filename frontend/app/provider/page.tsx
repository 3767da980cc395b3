import { ProviderPage } from "@/components/provider/provider-page"
import { t } from "@/texts/en"

export const metadata = { title: t.provider.title }

export default function Page() {
  return <ProviderPage />
}
