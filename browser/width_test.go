package browser

import (
	"fmt"
	"strings"
	"testing"

	"autocrm/store"
)

// TestLongWordsFit: names, addresses, subjects and messages of one endless word, on screens of every width.
func TestLongWordsFit(t *testing.T) {
	t.Parallel()
	s := development(t)
	word := func(letter string, n int) string { return strings.Repeat(letter, n) }
	client := s.signedIn(t, store.Client, "cora@example.com")
	agent := s.signedIn(t, store.Agent, word("a", 60)+"@"+word("b", 60)+".example")
	admin := s.signedIn(t, store.Admin, "admin@example.com")
	s.exec(`UPDATE users SET full_name = $1 WHERE user_role <> 'admin'`, word("N", 120))
	number := s.submit(t, word("W", 200))
	s.exec(`UPDATE tickets SET agent_id = (SELECT id FROM users WHERE user_role = 'agent'), description = $1`, word("d", 500))
	s.reply(t, number, "`"+word("c", 300)+"` | "+word("r", 300))
	invite(admin, word("i", 60)+"@"+word("j", 60)+".example", "Agent")
	ticket := fmt.Sprintf("/tickets/%d", number)
	for p, paths := range map[*Person][]string{
		client: {"/", "/tickets", ticket, "/account"},
		agent:  {"/", "/queue", "/my-tickets", "/tickets", ticket, "/account"},
		admin:  {"/", "/users", "/users?role=client", "/invitations", "/tickets", ticket},
	} {
		for _, path := range paths {
			p.Open(path)
			for _, width := range []int64{360, 640, 768, 900, 1024, 1280} {
				p.size(width, 800)
				p.fits(fmt.Sprintf("%s: %s", p.portal, path))
				p.saysItsState()
			}
		}
	}
}

// saysItsState: whatever the live state is, its words lie over nothing else.
func (p *Person) saysItsState() {
	p.t.Helper()
	wrong := JS[[]string](p, `(() => {
  const root = document.documentElement, was = root.dataset.live, words = document.createRange();
  words.selectNodeContents(document.querySelector(".live-state"));
  const over = ["connecting", "live", "reconnecting", "polling", "expired", "stopped"].filter((state) => {
    root.dataset.live = state;
    const a = words.getBoundingClientRect();
    return [...document.querySelectorAll(".bar__tools, .bar__person, .nav")].some((e) => {
      const b = e.getBoundingClientRect();
      return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    });
  });
  root.dataset.live = was;
  return over.map((state) => innerWidth + " px: " + state);
})()`)
	if len(wrong) > 0 {
		p.t.Errorf("%s: the live state runs into the rest of the bar: %s", p.portal, strings.Join(wrong, ", "))
	}
}
