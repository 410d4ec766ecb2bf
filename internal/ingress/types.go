// SPDX-License-Identifier: MPL-2.0

package ingress

// The part of Caddy's configuration that is used here.

type config struct {
	Admin   admin   `json:"admin"`
	Logging logging `json:"logging"`
	Apps    apps    `json:"apps"`
}

type admin struct {
	Listen string      `json:"listen"`
	Config adminConfig `json:"config"`
}

type adminConfig struct {
	Persist bool `json:"persist"`
}

type logging struct {
	Logs map[string]log `json:"logs"`
}

type log struct {
	Level string `json:"level"`
}

type apps struct {
	HTTP httpApp `json:"http"`
}

type httpApp struct {
	Servers map[string]server `json:"servers"`
}

type server struct {
	Listen            []string `json:"listen"`
	ReadHeaderTimeout string   `json:"read_header_timeout,omitempty"`
	Routes            []route  `json:"routes"`
	AutomaticHTTPS    disabled `json:"automatic_https"`
}

type disabled struct {
	Disable bool `json:"disable"`
}

type route struct {
	Match    []match   `json:"match,omitempty"`
	Handle   []handler `json:"handle"`
	Terminal bool      `json:"terminal,omitempty"`
}

type match struct {
	Host       []string `json:"host,omitempty"`
	Path       []string `json:"path,omitempty"`
	Expression string   `json:"expression,omitempty"`
}

// handler is any of the handlers in use; Handler says which.
type handler struct {
	Handler string `json:"handler"`
	// subroute
	Routes []route `json:"routes,omitempty"`
	// request_body
	MaxSize int64 `json:"max_size,omitempty"`
	// reverse_proxy
	Headers          *headers          `json:"headers,omitempty"`
	LoadBalancing    *loadBalancing    `json:"load_balancing,omitempty"`
	DynamicUpstreams *dynamicUpstreams `json:"dynamic_upstreams,omitempty"`
	Transport        *transport        `json:"transport,omitempty"`
	// static_response
	StatusCode int    `json:"status_code,omitempty"`
	Body       string `json:"body,omitempty"`
}

type headers struct {
	Request headerOps `json:"request"`
}

type headerOps struct {
	Delete []string `json:"delete"`
}

type loadBalancing struct {
	SelectionPolicy policy `json:"selection_policy"`
	TryDuration     string `json:"try_duration"`
	TryInterval     string `json:"try_interval"`
}

type policy struct {
	Policy string `json:"policy"`
}

type dynamicUpstreams struct {
	Source      string `json:"source"`
	Name        string `json:"name"`
	Port        string `json:"port"`
	Refresh     string `json:"refresh"`
	DialTimeout string `json:"dial_timeout"`
}

type transport struct {
	Protocol    string `json:"protocol"`
	DialTimeout string `json:"dial_timeout"`
}
