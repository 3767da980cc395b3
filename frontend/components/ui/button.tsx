import type { ButtonHTMLAttributes } from "react"

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: "main" | "plain" | "danger"
}

const KINDS = {
  main: "bg-brand text-brand-ink border-transparent",
  plain: "bg-card text-ink border-line hover:border-brand",
  danger: "bg-card text-bad border-bad",
}

export function Button({ kind = "plain", className = "", type = "button", ...rest }: Props) {
  const look = "min-h-10 cursor-pointer rounded-md border px-4 py-2 text-sm font-medium"
  const on = "aria-pressed:border-brand aria-pressed:text-brand"
  const off = "disabled:cursor-not-allowed disabled:opacity-50"
  return <button type={type} className={`${look} ${on} ${off} ${KINDS[kind]} ${className}`} {...rest} />
}
