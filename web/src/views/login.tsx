// The way in, where the service wants to know who is looking.
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError, logIn } from "../api.ts";
import { useTitle } from "../hooks.ts";

export function Login(): JSX.Element {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [token, setToken] = useState("");
  const [byToken, choose] = useState(false);
  const [problem, tell] = useState<string | null>(null);
  const [busy, work] = useState(false);
  useTitle("Log in");
  const submit = async (e: Event) => {
    e.preventDefault();
    work(true);
    tell(null);
    try {
      await logIn(byToken ? { token: token.trim() } : { name: user, password });
      location.reload();
    } catch (x) {
      tell(x instanceof ApiError ? x.message : String(x));
      setPassword("");
      setToken("");
      work(false);
    }
  };
  return (
    <div class="login card">
      <h1>Log in</h1>
      <form onSubmit={(e) => void submit(e)}>
        {byToken ? (
          <label>Token <input name="token" type="password" autocomplete="off" required value={token} placeholder="esk_…" onInput={(e) => setToken(e.currentTarget.value)} /></label>
        ) : (
          <>
            <label>Name <input name="user" autocomplete="username" required value={user} onInput={(e) => setUser(e.currentTarget.value)} /></label>
            <label>Password <input name="password" type="password" autocomplete="current-password" required value={password} onInput={(e) => setPassword(e.currentTarget.value)} /></label>
          </>
        )}
        {problem ? <p class="bad-text" role="alert">{problem}</p> : null}
        <button disabled={busy}>Log in</button>
        <button type="button" class="quiet" onClick={() => choose(!byToken)}>{byToken ? "With name and password" : "With a token"}</button>
      </form>
    </div>
  );
}
