// SPDX-License-Identifier: MPL-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// nginxTLS is what blueprint/nginx.conf includes where nginx speaks TLS.
const nginxTLS = `listen 8443 ssl;
ssl_certificate /portal/tls/certificate.pem;
ssl_certificate_key /portal/tls/key.pem;
`

// writeAlone writes the configuration of the servers alone: nginx's for TLS, and
// all of Caddy's.
func writeAlone(folder, nginx string) error {
	certificate, key, err := selfSigned(aloneHost)
	if err != nil {
		return err
	}
	caddy, err := json.MarshalIndent(caddyAloneConfig(nginx), "", "  ")
	if err != nil {
		return err
	}
	return writeFiles(map[string][]byte{
		filepath.Join(folder, "tls", "tls.conf"):        []byte(nginxTLS),
		filepath.Join(folder, "tls", "certificate.pem"): certificate,
		filepath.Join(folder, "tls", "key.pem"):         key,
		filepath.Join(folder, "caddy.json"):             caddy,
	})
}

// caddyAloneConfig is as little as makes Caddy give the answers itself, and pass
// requests for them on to nginx; both without TLS and with it. It logs no
// requests.
func caddyAloneConfig(nginx string) map[string]any {
	static := []any{fileRoute(smallFile, smallSize), fileRoute(largeFile, largeSize)}
	toNginx := []any{map[string]any{"handle": []any{map[string]any{
		"handler":   "reverse_proxy",
		"upstreams": []any{map[string]any{"dial": fmt.Sprintf("%s:%d", nginx, plainPort)}},
	}}}}
	server := func(port int, routes []any) map[string]any {
		return map[string]any{
			"listen": []string{fmt.Sprintf(":%d", port)}, "routes": routes,
			"automatic_https": map[string]any{"disable": true},
		}
	}
	overTLS := func(port int, routes []any) map[string]any {
		s := server(port, routes)
		s["tls_connection_policies"] = []any{map[string]any{}}
		return s
	}
	return map[string]any{
		"admin":   map[string]any{"disabled": true},
		"logging": map[string]any{"logs": map[string]any{"default": map[string]any{"level": "WARN"}}},
		"apps": map[string]any{
			"http": map[string]any{"servers": map[string]any{
				"static":    server(plainPort, static),
				"proxy":     server(plainProxyPort, toNginx),
				"tls":       overTLS(tlsPort, static),
				"tls-proxy": overTLS(tlsProxyPort, toNginx),
			}},
			"tls": map[string]any{
				"certificates": map[string]any{"automate": []string{aloneHost}},
				"automation": map[string]any{"policies": []any{
					map[string]any{"issuers": []any{map[string]any{"module": "internal"}}},
				}},
			},
			"pki": map[string]any{"certificate_authorities": map[string]any{"local": map[string]any{"install_trust": false}}},
		},
	}
}

func fileRoute(path string, size int) map[string]any {
	return map[string]any{
		"match": []any{map[string]any{"path": []string{path}}},
		"handle": []any{map[string]any{
			"handler": "static_response", "body": string(answer(size)),
			"headers": map[string][]string{"Content-Type": {"text/plain"}},
		}},
	}
}

// selfSigned is a certificate of the kind that Caddy issues, and its key, both
// in PEM.
func selfSigned(host string) (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), nil
}

// writeFiles writes files by their paths, and makes the directories they need.
func writeFiles(files map[string][]byte) error {
	for path, content := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return err
		}
	}
	return nil
}
