package web

import (
	"net/http"

	"autocrm/handlers"
	"autocrm/static"

	"github.com/labstack/echo/v4"
)

// The whole map of addresses, a screenful a portal. get, post and upload are for people whose role is the
// portal's; open and openPost are for everybody. Verbs are nouns: POST /tickets/1042/replies.

func clientRoutes(r routes, h handlers.Client) {
	r.get("/", h.Dashboard)
	r.get("/dashboard", h.DashboardRegion)

	r.get("/tickets", h.Tickets)
	r.upload("/tickets", h.SubmitTicket)
	r.get("/tickets/new", h.NewTicket)
	r.get("/tickets/rows", h.TicketRows)
	ticketRoutes(r, h.Portal)
	r.get("/tickets/:number/cancellation", h.BackToTicket)
	r.post("/tickets/:number/cancellation", h.CancelTicket)
}

func agentRoutes(r routes, h handlers.Agent) {
	r.get("/", h.Dashboard)
	r.get("/dashboard", h.DashboardRegion)

	staffRoutes(r, handlers.Staff{Portal: h.Portal})
}

// staffRoutes are what agents and admins do alike.
func staffRoutes(r routes, h handlers.Staff) {
	r.get("/tickets", h.Tickets)
	r.get("/tickets/rows", h.TicketRows)
	r.get("/queue", h.Queue)
	r.get("/queue/rows", h.QueueRows)
	r.get("/my-tickets", h.MyTickets)
	r.get("/my-tickets/rows", h.MyTicketRows)
	r.get("/views", h.BackToTickets)
	r.post("/views", h.KeepView)
	r.get("/views/new", h.NewView)
	r.get("/views/list", h.ViewList)
	r.get("/views/:id", h.View)
	r.post("/views/:id", h.ChangeView)
	r.get("/views/:id/rows", h.ViewRows)
	r.get("/views/:id/settings", h.ViewSettings)
	r.get("/views/:id/deletion", h.AskViewDeletion)
	r.post("/views/:id/deletion", h.DeleteView)
	ticketRoutes(r, h.Portal)
	r.get("/presences", h.PresenceMarks)
	r.get("/tickets/:number/presence", h.TicketPresence)
	r.post("/tickets/:number/presence", h.Attend)
	r.get("/tickets/:number/customer", h.Customer)
	r.get("/tickets/:number/customer/notes", h.BackToCustomer)
	r.post("/tickets/:number/customer/notes", h.AddCustomerNote)
	r.get("/tickets/:number/customer/notes/:note", h.CustomerNote)
	r.post("/tickets/:number/customer/notes/:note", h.EditCustomerNote)
	r.get("/tickets/:number/customer/notes/:note/deletion", h.BackToCustomer)
	r.post("/tickets/:number/customer/notes/:note/deletion", h.DeleteCustomerNote)
	r.get("/tickets/:number/notes", h.BackToTicket)
	r.upload("/tickets/:number/notes", h.AddNote)
	r.get("/tickets/:number/drafts", h.TicketDrafts)
	r.get("/tickets/:number/drafts/:kind", h.BackToTicket)
	r.post("/tickets/:number/drafts/:kind", h.SaveDraft)
	r.get("/tickets/:number/drafts/:kind/deletion", h.BackToTicket)
	r.post("/tickets/:number/drafts/:kind/deletion", h.DiscardDraft)
	r.get("/tickets/:number/sending", h.TicketSending)
	r.get("/tickets/:number/sending/:id/withdrawal", h.BackToTicket)
	r.post("/tickets/:number/sending/:id/withdrawal", h.WithdrawReply)
	r.get("/colleagues", h.Colleagues)
	r.get("/tickets/:number/status", h.BackToTicket)
	r.post("/tickets/:number/status", h.ChangeStatus)
	r.get("/tickets/:number/priority", h.BackToTicket)
	r.post("/tickets/:number/priority", h.ChangePriority)
	r.get("/tickets/:number/assignment", h.BackToTicket)
	r.post("/tickets/:number/assignment", h.AssignTicket)

	r.get("/macros", h.Macros)
	r.post("/macros", h.CreateMacro)
	r.get("/macros/list", h.MacroList)
	r.get("/macros/new", h.NewMacro)
	r.get("/macros/:id", h.ShowMacro)
	r.post("/macros/:id", h.ChangeMacro)
	r.get("/macros/:id/deletion", h.BackToMacros)
	r.post("/macros/:id/deletion", h.DeleteMacro)
	r.post("/macros/:id/uses", h.UseTemplate)
	r.get("/tickets/:number/templates", h.Templates)
	r.get("/tickets/:number/macros", h.TicketMacros)
	r.post("/tickets/:number/macros", h.ApplyMacro)

	r.get("/bulk", h.Bulk)
	r.post("/bulk", h.StartBulk)
	r.get("/bulk/list", h.BulkList)
	r.get("/bulk/actions", h.BulkActions)
	r.get("/bulk/size", h.BulkSize)
	r.get("/bulk/bar", h.BulkBar)
	r.get("/bulk/:id", h.ShowBulk)
	r.get("/bulk/:id/progress", h.BulkProgress)
	r.get("/bulk/:id/cancellation", h.BackToBulk)
	r.post("/bulk/:id/cancellation", h.CancelBulk)
	r.get("/bulk/:id/reversal", h.BackToBulk)
	r.post("/bulk/:id/reversal", h.UndoBulk)

	r.get("/palette", h.Palette)
	r.get("/notifications", h.Notifications)
	r.get("/notifications/list", h.NotificationList)
	r.get("/notifications/panel", h.NotificationPanel)
	r.get("/notifications/unread", h.UnreadNotifications)
	r.get("/notifications/reading", h.BackToNotifications)
	r.post("/notifications/reading", h.ReadNotifications)
	r.get("/account/notifications", h.BackToAccount)
	r.post("/account/notifications", h.ChooseNotifications)
	shapingRoutes(r, h)
}

// shapingRoutes are what staff do with a ticket beside answering it, and with the tags.
func shapingRoutes(r routes, h handlers.Staff) {
	for path, act := range map[string]echo.HandlerFunc{
		"tags":          h.TagTicket,
		"tags/removal":  h.UntagTicket,
		"sleep":         h.SnoozeTicket,
		"awakening":     h.WakeTicket,
		"following":     h.FollowTicket,
		"unfollowing":   h.UnfollowTicket,
		"forwardings":   h.ForwardTicket,
		"unlinking":     h.UnlinkTicket,
		"time":          h.AddTime,
		"time/removal":  h.RemoveTime,
		"merge":         h.MergeTicket,
		"merge/undoing": h.UnmergeTicket,
		"splits":        h.SplitMessage,
	} {
		r.get("/tickets/:number/"+path, h.BackToTicket)
		r.post("/tickets/:number/"+path, act)
	}
	r.get("/tickets/:number/links", h.TicketLinks)
	r.post("/tickets/:number/links", h.LinkTicket)

	r.get("/tags", h.Tags)
	r.get("/tags/list", h.TagList)
	r.get("/tags/:id", h.BackToTags)
	r.post("/tags/:id", h.ChangeTag)
	r.get("/tags/:id/merge", h.BackToTags)
	r.post("/tags/:id/merge", h.MergeTags)
	r.get("/tags/:id/deletion", h.BackToTags)
	r.post("/tags/:id/deletion", h.DeleteTag)
}

// ticketRoutes are one ticket's, for whoever may see it.
func ticketRoutes(r routes, p *handlers.Portal) {
	r.get("/search", p.Search)
	r.get("/search/suggestions", p.SearchSuggestions)
	r.get("/tickets/:number", p.ShowTicket)
	r.get("/tickets/:number/head", p.TicketHead)
	r.get("/tickets/:number/timeline", p.TicketTimeline)
	r.get("/tickets/:number/properties", p.TicketProperties)
	r.get("/tickets/:number/replies", p.BackToTicket)
	r.upload("/tickets/:number/replies", p.AddReply)
	r.get("/attachments/:id", p.Attachment)
	r.post("/preview", p.Preview)
}

func adminRoutes(r routes, h handlers.Admin) {
	r.get("/", h.Dashboard)
	r.get("/dashboard", h.DashboardRegion)

	staffRoutes(r, handlers.Staff{Portal: h.Portal})

	r.get("/users", h.Users)
	r.get("/users/list", h.UserList)
	r.get("/users/:id", h.User)
	r.get("/users/:id/facts", h.UserFacts)
	r.get("/users/:id/role", h.BackToUser)
	r.post("/users/:id/role", h.ChangeRole)
	r.get("/users/:id/deactivation", h.AskDeactivation)
	r.post("/users/:id/deactivation", h.Deactivate)
	r.get("/users/:id/reactivation", h.BackToUser)
	r.post("/users/:id/reactivation", h.Reactivate)

	r.get("/invitations", h.Invitations)
	r.post("/invitations", h.Invite)
	r.get("/invitations/list", h.InvitationList)
	r.get("/invitations/:id/link", h.BackToInvitations)
	r.post("/invitations/:id/link", h.NewLink)
	r.get("/invitations/:id/revocation", h.BackToInvitations)
	r.post("/invitations/:id/revocation", h.RevokeInvitation)

	r.get("/health", h.Health)
	r.get("/health/figures", h.HealthFigures)
	r.get("/health/findings", h.HealthFindings)
	r.get("/health/examination", h.BackToHealth)
	r.post("/health/examination", h.Examine)
}

// sharedRoutes are on every portal.
func sharedRoutes(r routes, p *handlers.Portal) {
	r.open("/sign-in", p.SignInPage)
	r.openPost("/sign-in", p.SignIn)
	r.openPost("/sign-out", p.SignOut)
	r.open("/auth/callback", p.Callback)
	r.open("/unauthorized", p.Unauthorized)
	r.open("/signup", p.SignUpPage)
	r.openPost("/signup", p.SignUp)
	r.openPost("/api/token", p.Token)

	r.get("/account", p.Account)
	r.get("/account/name", p.BackToAccount)
	r.post("/account/name", p.Rename)
	r.get("/account/password", p.BackToAccount)
	r.post("/account/password", p.ChangePassword)
	r.get("/account/display", p.BackToAccount)
	r.post("/account/display", p.Display)
	r.get("/account/sessions/revocation", p.BackToAccount)
	r.post("/account/sessions/revocation", p.SignOutElsewhere)
	r.get("/account/sessions/:id/revocation", p.BackToAccount)
	r.post("/account/sessions/:id/revocation", p.EndSession)

	r.stream("/live", p.Stream)
	r.stream("/live/poll", p.Poll)

	r.open("/healthz", p.Healthy)
	r.open("/readyz", p.Ready)
	r.open("/static/*", echo.WrapHandler(static.Handler()))
	if p.Dev {
		r.open("/_style", p.Style)
		r.openPost("/_style", p.Style)
	}
}

const (
	formBytes   = 2 << 20   // a text of 50,000 characters, percent-encoded, with room to spare
	uploadBytes = 260 << 20 // ten files of 25 MB and a text
)

// routes adds routes to one portal. A route's own middleware, not a group's: a group would answer for every
// unknown address and send it to the sign-in page instead of 404.
type routes struct {
	e     *echo.Echo
	guard echo.MiddlewareFunc
}

func (r routes) get(path string, h echo.HandlerFunc) {
	r.e.Match([]string{http.MethodGet, http.MethodHead}, path, h, r.guard)
}

func (r routes) post(path string, h echo.HandlerFunc) {
	r.e.POST(path, h, bodyLimit(formBytes, usualPace), r.guard)
}

// upload is post for a form with files, which its handler streams.
func (r routes) upload(path string, h echo.HandlerFunc) {
	r.e.POST(path, h, bodyLimit(uploadBytes, usualPace), r.guard)
}

func (r routes) open(path string, h echo.HandlerFunc) {
	r.e.Match([]string{http.MethodGet, http.MethodHead}, path, h)
}

func (r routes) openPost(path string, h echo.HandlerFunc) {
	r.e.POST(path, h, bodyLimit(formBytes, usualPace))
}

// stream is for what answers 401 by itself, and never to HEAD: it would hold on to nothing.
func (r routes) stream(path string, h echo.HandlerFunc) { r.e.GET(path, h) }
