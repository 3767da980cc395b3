/** What is odd about a sign-in message (EIP-4361, "Verifying the domain binding"); "" when nothing is. */
export function siteWarning(text, origin, from) {
  const [first, account] = text.split("\n")
  const domain = first.replace(/^.*:\/\//, "").split(" ")[0]
  if (domain !== new URL(origin).host) return `This message is for ${domain}, and the site is ${new URL(origin).host}.`
  return account.toLowerCase() === from.toLowerCase() ? "" : `This message is for another account, ${account}.`
}
