import type { Route } from "../router.ts"; export function CallView(p: { route: Route }) { return <p>{p.route.view}</p>; }
