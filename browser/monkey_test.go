package browser

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"autocrm/store"
)

// TestMonkey presses whatever there is, in any order: no page breaks by it. How the product should answer is for other
// tests to say; here a script's error and an answer 5xx are what is looked for.
func TestMonkey(t *testing.T) {
	t.Parallel()
	presses := 60
	if long := os.Getenv("MONKEY"); long != "" {
		fmt.Sscan(long, &presses)
	}
	for role, email := range map[store.Role]string{store.Client: "client@example.com", store.Agent: "agent@example.com", store.Admin: "admin@example.com"} {
		t.Run(string(role), func(t *testing.T) {
			t.Parallel()
			s := development(t, "--demo")
			p := s.newPerson(t, string(role), role)
			p.SignIn(email)
			p.holdsReplies()
			seed := rand.Uint64()
			r := rand.New(rand.NewPCG(seed, 1))
			var done []string
			t.Cleanup(func() {
				if t.Failed() {
					t.Logf("seed %d: %s", seed, strings.Join(done, " | "))
				}
			})
			keys := strings.Fields("j k o x r n e m a t w y b f l h M N p i c / ? Escape Escape Escape Enter Enter Tab Tab ArrowDown ArrowUp Control+k Control+Enter Control+b Home End Delete # X 1")
			for range presses {
				switch r.IntN(10) {
				case 0, 1, 2, 3:
					key := keys[r.IntN(len(keys))]
					done = append(done, key)
					p.Press(key)
				case 4:
					words := []string{"printer", "status:open", "#1030 ", "ana", "@b", "\"", "tag:x", "-", "ü 1", "1h"}[r.IntN(10)]
					done = append(done, "“"+words+"”")
					p.Type(words)
				default:
					// One of what can be pressed, except what ends the session.
					what, err := eval[string](p, fmt.Sprintf(`(() => {
						const all = [...document.querySelectorAll("a[href], button, summary, select, [role=option], input[type=checkbox]")]
							.filter((e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest("form[action='/sign-out']") && !e.closest("#form-password") && !e.target && (!e.href || e.origin === location.origin));
						const e = (document.querySelector("dialog:modal") ? all.filter((e) => e.closest("dialog:modal")) : all)[%d %% (all.length || 1)] ?? all[0];
						if (!e) return "nothing";
						const words = location.pathname + " " + e.tagName + " " + (e.innerText || e.title || e.name || "").trim().slice(0, 30);
						setTimeout(() => {
							if (e.matches("select")) {
								e.selectedIndex = %d %% e.options.length;
								e.dispatchEvent(new Event("change", { bubbles: true }));
							} else e.click();
						});
						return words;
					})()`, r.IntN(1<<20), r.IntN(1<<20)))
					if err != nil {
						what = err.Error()
					}
					done = append(done, what)
				}
				time.Sleep(time.Duration(r.Int64N(int64(400 * time.Millisecond))))
				if path, err := eval[string](p, "location.pathname"); err == nil && (strings.HasPrefix(path, "/attachments") || path == "/sign-in") {
					p.Open("/")
				}
			}
			p.expect(10*time.Second, "document.readyState === 'complete'", "a page")
			if problem := JS[string](p, `document.querySelector("[data-problem-id], .problem")?.innerText ?? ""`); problem != "" {
				t.Error(problem)
			}
		})
	}
}
