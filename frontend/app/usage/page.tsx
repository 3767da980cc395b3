import { UsagePage } from "@/components/usage/usage-page"
import { t } from "@/texts/en"

export const metadata = { title: t.usage.title }

export default function Page() {
  return <UsagePage />
}
