// SPDX-License-Identifier: MPL-2.0

package ingress

// The part of Caddy's configuration that is used here; see
// https://caddyserver.com/docs/json/.

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
	Level   string   `json:"level"`
	Writer  *writer  `json:"writer,omitempty"`
	Encoder *encoder `json:"encoder,omitempty"`
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
}

type writer struct {
	Output string `json:"output"`
}

type encoder struct {
	Format string `json:"format"`
}

type apps struct {
	HTTP httpApp `json:"http"`
	TLS  *tlsApp `json:"tls,omitempty"`
	PKI  *pkiApp `json:"pki,omitempty"`
}

type httpApp struct {
	HTTPPort  int               `json:"http_port"`
	HTTPSPort int               `json:"https_port"`
	Servers   map[string]server `json:"servers"`
}

type server struct {
	Listen                []string           `json:"listen"`
	ReadHeaderTimeout     string             `json:"read_header_timeout,omitempty"`
	IdleTimeout           string             `json:"idle_timeout,omitempty"`
	MaxHeaderBytes        int                `json:"max_header_bytes,omitempty"`
	Protocols             []string           `json:"protocols,omitempty"`
	TrustedProxies        *ipSource          `json:"trusted_proxies,omitempty"`
	TrustedProxiesStrict  int                `json:"trusted_proxies_strict,omitempty"`
	StrictSNIHost         *bool              `json:"strict_sni_host,omitempty"`
	TLSConnectionPolicies []connectionPolicy `json:"tls_connection_policies,omitempty"`
	Routes                []route            `json:"routes"`
	Errors                *errorRoutes       `json:"errors,omitempty"`
	AutomaticHTTPS        disabled           `json:"automatic_https"`
	Logs                  *serverLogs        `json:"logs,omitempty"`
}

type disabled struct {
	Disable bool `json:"disable"`
}

type ipSource struct {
	Source string   `json:"source"`
	Ranges []string `json:"ranges"`
}

type connectionPolicy struct {
	ClientAuthentication *clientAuthentication `json:"client_authentication,omitempty"`
}

type clientAuthentication struct {
	Mode string    `json:"mode"`
	CA   *caSource `json:"ca"`
}

type caSource struct {
	Provider  string   `json:"provider"`
	Authority []string `json:"authority"`
}

type errorRoutes struct {
	Routes []route `json:"routes"`
}

type serverLogs struct {
	DefaultLoggerName string `json:"default_logger_name"`
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
	// encode
	Encodings     map[string]struct{} `json:"encodings,omitempty"`
	Prefer        []string            `json:"prefer,omitempty"`
	MinimumLength int                 `json:"minimum_length,omitempty"`
	// reverse_proxy; Headers is also static_response's
	Headers          any               `json:"headers,omitempty"`
	LoadBalancing    *loadBalancing    `json:"load_balancing,omitempty"`
	HealthChecks     *healthChecks     `json:"health_checks,omitempty"`
	Upstreams        []upstream        `json:"upstreams,omitempty"`
	DynamicUpstreams *dynamicUpstreams `json:"dynamic_upstreams,omitempty"`
	Transport        *transport        `json:"transport,omitempty"`
	StreamCloseDelay string            `json:"stream_close_delay,omitempty"`
	// headers
	Response *responseHeaders `json:"response,omitempty"`
	// static_response: a number, or a placeholder
	StatusCode any    `json:"status_code,omitempty"`
	Body       string `json:"body,omitempty"`
}

type responseHeaders struct {
	Set map[string][]string `json:"set"`
}

type proxyHeaders struct {
	Request headerOps `json:"request"`
}

type headerOps struct {
	Delete []string            `json:"delete"`
	Set    map[string][]string `json:"set,omitempty"`
}

type loadBalancing struct {
	SelectionPolicy *policy `json:"selection_policy,omitempty"`
	TryDuration     string  `json:"try_duration"`
	TryInterval     string  `json:"try_interval"`
}

type policy struct {
	Policy string `json:"policy"`
}

type healthChecks struct {
	Active activeCheck `json:"active"`
}

type activeCheck struct {
	URI      string              `json:"uri"`
	Headers  map[string][]string `json:"headers,omitempty"`
	Interval string              `json:"interval"`
	Timeout  string              `json:"timeout"`
	// ExpectStatus of one digit is a class: 2 for 200 to 299.
	ExpectStatus int `json:"expect_status"`
}

type upstream struct {
	Dial string `json:"dial"`
}

// dynamicUpstreams are the addresses that a name has; Source is "a".
type dynamicUpstreams struct {
	Source   string     `json:"source"`
	Name     string     `json:"name"`
	Port     string     `json:"port"`
	Refresh  string     `json:"refresh"`
	Versions ipVersions `json:"versions"`
}

type ipVersions struct {
	IPv4 bool `json:"ipv4"`
}

type transport struct {
	Protocol              string        `json:"protocol"`
	DialTimeout           string        `json:"dial_timeout"`
	ResponseHeaderTimeout string        `json:"response_header_timeout,omitempty"`
	KeepAlive             *keepAlive    `json:"keep_alive,omitempty"`
	TLS                   *transportTLS `json:"tls,omitempty"`
}

type keepAlive struct {
	MaxIdleConnsPerHost int    `json:"max_idle_conns_per_host"`
	IdleTimeout         string `json:"idle_timeout,omitempty"`
}

type transportTLS struct {
	ClientCertificateAutomate string    `json:"client_certificate_automate"`
	ServerName                string    `json:"server_name"`
	CA                        *caSource `json:"ca"`
}

type tlsApp struct {
	Certificates certificates `json:"certificates"`
	Automation   *automation  `json:"automation,omitempty"`
}

type certificates struct {
	Automate  []string           `json:"automate,omitempty"`
	LoadFiles []certificateFiles `json:"load_files,omitempty"`
}

type certificateFiles struct {
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
}

type automation struct {
	Policies []automationPolicy `json:"policies"`
}

type automationPolicy struct {
	// Subjects that it is for; none means all.
	Subjects []string `json:"subjects,omitempty"`
	Issuers  []issuer `json:"issuers"`
}

// issuer is "acme" or "internal"; Module says which.
type issuer struct {
	Module               string           `json:"module"`
	CA                   string           `json:"ca,omitempty"`
	Email                string           `json:"email,omitempty"`
	TrustedRootsPEMFiles []string         `json:"trusted_roots_pem_files,omitempty"`
	ExternalAccount      *externalAccount `json:"external_account,omitempty"`
}

type externalAccount struct {
	KeyID  string `json:"key_id"`
	MACKey string `json:"mac_key"`
}

type pkiApp struct {
	CertificateAuthorities map[string]authority `json:"certificate_authorities"`
}

type authority struct {
	Name         string `json:"name"`
	InstallTrust bool   `json:"install_trust"`
}
