// SPDX-License-Identifier: MPL-2.0

package blueprint

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/privateportals/terraform-provider-portal/internal/stack"
)

// userSpec is a portal whose blueprint is the given Compose text.
func userSpec(t *testing.T, compose string) stack.Spec {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "compose.yaml", compose)
	return stack.Spec{Name: "acme", Domain: "learn.acme.com", StudioDomain: "studio.learn.acme.com", Blueprint: dir}
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// problems builds a spec that must not build.
func problems(t *testing.T, spec stack.Spec) Problems {
	t.Helper()
	_, err := Build(context.Background(), spec, testOptions)
	var found Problems
	if !errors.As(err, &found) {
		t.Fatalf("Build: got %v, want Problems", err)
	}
	return found
}

// One attribute each, in a service that is fine otherwise.
func TestServiceAttributesRefusedByName(t *testing.T) {
	for _, tt := range []struct{ yaml, at, hint string }{
		{"build: .", "services.web.build", "build and push"},
		{"privileged: true", "services.web.privileged", "cap_add"},
		{"network_mode: host", "services.web.network_mode", "ports"},
		{"network_mode: container:x", "services.web.network_mode", "own networks"},
		{"pid: host", "services.web.pid", "remove it"},
		{"ipc: host", "services.web.ipc", "shm_size"},
		{"uts: host", "services.web.uts", "hostname"},
		{"cgroup: host", "services.web.cgroup", "remove it"},
		{"userns_mode: host", "services.web.userns_mode", "remove it"},
		{"devices: [/dev/fuse]", "services.web.devices", "any host"},
		{"gpus: all", "services.web.gpus", "any host"},
		{"links: [db]", "services.web.links", "aliases"},
		{"external_links: [db]", "services.web.external_links", "extra_hosts"},
		{"container_name: web", "services.web.container_name", "<portal>-<service>-<number>"},
		{"volumes_from: [web]", "services.web.volumes_from", "named volume"},
		{"runtime: nvidia", "services.web.runtime", "default runtime"},
		{"platform: linux/arm64", "services.web.platform", "architecture"},
		{"use_api_socket: true", "services.web.use_api_socket", "own the host"},
		{"cap_add: [SYS_ADMIN]", "services.web.cap_add", "allowed are"},
		{"cap_add: [ALL]", "services.web.cap_add", "allowed are"},
		{"cap_add: [cap_net_admin]", "services.web.cap_add", "allowed are"},
		{"security_opt: [seccomp=unconfined]", "services.web.security_opt", "protection stays on"},
		{"security_opt: ['apparmor:unconfined']", "services.web.security_opt", "protection stays on"},
		{"volumes: ['/var/run/docker.sock:/var/run/docker.sock']", "services.web.volumes[0]", "own the host"},
		{"volumes: ['/etc:/host:ro']", "services.web.volumes[0]", "named volume"},
		{"volumes: ['../other:/x']", "services.web.volumes[0]", "named volume"},
		{"volumes: ['~/x:/x']", "services.web.volumes[0]", "named volume"},
		{"volumes: ['./data:/x']", "services.web.volumes[0]", "does not exist"},
		{"volumes: ['/x']", "services.web.volumes[0]", "no name"},
		{"volumes: ['/srv/portals/other/data/x:/x']", "services.web.volumes[0]", "named volume"},
		{"volumes: ['/srv/portals/acme/secrets:/x']", "services.web.volumes[0]", "named volume"},
		{"volumes: ['/srv/portals/acme/data/../secrets:/x']", "services.web.volumes[0]", "named volume"},
		{"volumes: ['vol:/x:z', {type: bind, source: ./f, target: /y, bind: {selinux: z}}]", "bind.selinux", "context="},
		{"volumes: ['nowhere:/x']", "services.web.volumes[0]", "no volume"},
		{"volumes: [{type: npipe, source: x, target: /x}]", "services.web.volumes[0]", "volume, bind and tmpfs"},
		{"volumes: ['vol:/x']\n    tmpfs: /x", "services.web", "two things are mounted at /x"},
		{"volumes: ['vol:/']", "services.web", "absolute path below /"},
		{"volumes: [{type: volume, source: vol, target: /x, volume: {subpath: ../../secrets}}]", "subpath", "leads out"},
		{"tmpfs: ['/x:uid=1']", "services.web.tmpfs", "size and mode"},
		{"deploy: {mode: global}", "services.web.deploy.mode", "replicated"},
		{"deploy: {placement: {constraints: [node.role==manager]}}", "services.web.deploy.placement", "as a whole"},
		{"deploy: {labels: {a: b}}", "services.web.deploy.labels", "labels"},
		{"deploy: {update_config: {parallelism: 2}}", "services.web.deploy.update_config.parallelism", "order"},
		{"deploy: {endpoint_mode: dnsrr}", "services.web.deploy.endpoint_mode", "all of its containers"},
		{"deploy: {resources: {limits: {memory: 1g}}}\n    mem_limit: 2g", "deploy.resources.limits.memory", "keep one"},
		{"mem_limit: 1m", "services.web.mem_limit", "6m"},
		{"pull_policy: always", "services.web.pull_policy", "another tag"},
		{"restart: sometimes", "services.web.restart", "unless-stopped"},
		{"healthcheck: {test: [curl, x]}", "healthcheck.test", "CMD"},
		{"ports: ['8000-8002:80']", "services.web.ports", ""},
		{"ports: ['8000:80']\n    deploy: {replicas: 2}", "deploy.replicas", "fixed port"},
		{"environment: [HOME]", "services.web.environment.HOME", "not read"},
		{"environment: {A: \"$HOME\"}", "${HOME}", "never the environment"},
		{"environment: {A: \"${PORTAL_NAME}${NOPE}\"}", "${NOPE}", "no such variable"},
		{"environment: {A: \"${NOPE:-${NEITHER}}\"}", "${NEITHER}", "no such variable"},
		{"environment: {A: \"${PORTAL_DOMIAN}\"}", "${PORTAL_DOMIAN}", `Did you mean "PORTAL_DOMAIN"?`},
		{"env_file: /etc/passwd", "services.web.env_file", "outside"},
		{"env_file: ../secrets.env", "services.web.env_file", "outside"},
		{"env_file: missing.env", "services.web.env_file", "does not exist"},
		{"extends: {file: ../base.yml, service: web}", "extends", "outside"},
		{"labels: {com.docker.compose.project: x}", "services.web.labels", "provider's own"},
		{"networks: [back]", "services.web.networks.back", "top-level `networks`"},
		{"configs: [nope]", "services.web.configs[0]", "top-level `configs`"},
		{"secrets: [nope]", "services.web.secrets[0]", "top-level `secrets`"},
		{"depends_on: [db]", "services.web.depends_on.db", "no such service"},
		{"depends_on: [web]", "depends_on", "web → web"},
		{"depends_on: {web: {condition: service_started, restart: true}}", "depends_on.web.restart", "not restarted"},
		{"x-portal: {roel: web}", "x-portal.roel", `Did you mean "role"?`},
		{"x-portal: {task: sometimes}", "x-portal.task", "deploy"},
		{"x-portal: {timeout: 1h}", "x-portal.timeout", "only a task"},
		{"x-portal: {restart_on: [sun]}", "x-portal.restart_on", "overrides"},
		{"x-portal: {routes: [{host: a.b, port: 0}]}", "x-portal.routes", "65535"},
		{"x-portal: {routes: [{host: 'a b', port: 80}]}", "x-portal.routes", "hostname"},
		{"x-portal: {routes: [{host: a.b, port: 80}]}", "x-portal.routes", "ingress: caddy"},
		{"x-portal: {routes: [{host: a.b, prot: 80}]}", "routes[0].prot", `Did you mean "port"?`},
		{"x-portal: {task: manual}\n    deploy: {replicas: 2}", "deploy.replicas", "one container"},
		{"healthcheck: {test: x, x-portal: {}}", "healthcheck.x-portal", "no meaning here"},
		{"no_such_thing: 1", "", "no_such_thing"},
	} {
		t.Run(tt.yaml, func(t *testing.T) {
			spec := userSpec(t, "services:\n  web:\n    image: web\n    "+tt.yaml+"\nvolumes: {vol: {}, war: {}}\n")
			write(t, spec.Blueprint, "f", "x")
			text := problems(t, spec).Error()
			if !strings.Contains(text, tt.at) || !strings.Contains(text, tt.hint) {
				t.Errorf("want the attribute %q and the hint %q in:\n%s", tt.at, tt.hint, text)
			}
		})
	}
}

func TestTopLevelRefusedByName(t *testing.T) {
	const web = "services: {web: {image: web, volumes: ['vol:/v'], networks: [n], secrets: [s]}}\n"
	const rest = "volumes: {vol: {}}\nnetworks: {n: {}}\n"
	generated := "secrets: {s: {x-portal: {generate: true}}}\n"
	for _, tt := range []struct{ name, yaml, hint string }{
		{"include", web + rest + generated + "include: [other.yml]\n", "include"},
		{"models", web + rest + generated + "models: {m: {model: x}}\n", "models"},
		{"external network", web + "volumes: {vol: {}}\nnetworks: {n: {external: true}}\n" + generated, "networks.n.external"},
		{"external volume", web + "volumes: {vol: {external: true}}\nnetworks: {n: {}}\n" + generated, "volumes.vol.external"},
		{"volume driver", web + "volumes: {vol: {driver: nfs}}\nnetworks: {n: {}}\n" + generated, "volumes.vol.driver"},
		{"volume name", web + "volumes: {vol: {name: x}}\nnetworks: {n: {}}\n" + generated, "volumes.vol.name"},
		{"volume that climbs", "services: {web: {image: web, volumes: [{type: volume, source: .., target: /v}]}}\nvolumes: {..: {}}\n", "becomes part of a file"},
		{"volume extension", web + "volumes: {vol: {x-portal: {ower: '1:1'}}}\nnetworks: {n: {}}\n" + generated, `Did you mean "owner"?`},
		{"volume owner", web + "volumes: {vol: {x-portal: {owner: root}}}\nnetworks: {n: {}}\n" + generated, "uid:gid"},
		{"network driver", web + "volumes: {vol: {}}\nnetworks: {n: {driver: macvlan}}\n" + generated, "networks.n.driver"},
		{"ipam", web + "volumes: {vol: {}}\nnetworks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}\n" + generated, "subnet_pool"},
		{"external secret", web + rest + "secrets: {s: {external: true}}\n", "secrets.s.external"},
		{"secret from the environment", web + rest + "secrets: {s: {environment: HOME}}\n", "secrets.s.environment"},
		{"secret of a driver", web + rest + "secrets: {s: {driver: vault}}\n", "secrets.s.driver"},
		{"secret outside", web + rest + "secrets: {s: {file: ../s}}\n", "outside"},
		{"secret without source", web + rest + "secrets: {s: {x-portal: {length: 20}}}\n", "no content"},
		{"short secret", web + rest + "secrets: {s: {x-portal: {generate: true, length: 4}}}\n", "between 16 and 256"},
		{"x-portal at the top", web + rest + generated + "x-portal: {}\n", "no meaning at the top"},
		{"cycle", "services: {a: {image: a, depends_on: [b]}, b: {image: b, depends_on: [a]}}\n", "a → b → a"},
		{"no services", "name: x\n", ""},
		{"empty", "", "empty"},
		{"not a mapping", "- a\n", ""},
		{"not YAML", "services: {", ""},
		{"two documents", web + rest + generated + "---\n" + web, "more than one YAML document"},
		{"tag", "services: {web: {image: !reset web}}\n", "!reset"},
		{"anchor in itself", "services: &a {web: *a}\n", ""},
		{"services of wrong type", "services: [web]\n", ""},
		{"service of wrong type", "services: {web: 1}\n", ""},
		{"null service", "services: {web: }\n", ""},
		{"merge of wrong type", "services: {web: {<<: 1, image: x}}\n", ""},
		{"task awaited as started", "services: {a: {image: a, depends_on: [t]}, t: {image: t, x-portal: {task: deploy}}}\n", "service_completed_successfully"},
		{"manual task awaited", "services: {a: {image: a, depends_on: {t: {condition: service_completed_successfully}}}, t: {image: t, x-portal: {task: manual}}}\n", "somebody else starts"},
		{"task named as a replica", "services: {a: {image: a}, a-1: {image: t, x-portal: {task: manual}}}\n", "rename the task"},
		{"two readers", "services: {a: {image: a, user: '1', secrets: [s]}, b: {image: b, user: '2', secrets: [s]}}\n" + generated, "template: true"},
		{"two owners", "services: {a: {image: a, user: '1', volumes: ['vol:/v']}, b: {image: b, user: '2', volumes: ['vol:/v']}}\nvolumes: {vol: {}}\n", "who owns it"},
		{"same route twice", "services: {a: {image: a, x-portal: {routes: [{host: a.b, port: 1}, {host: a.b, port: 2}]}}, lb: {image: lb, configs: [c]}}\nconfigs: {c: {x-portal: {ingress: caddy}}}\n", "routed to a already"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := problems(t, userSpec(t, tt.yaml)).Error()
			if !strings.Contains(text, tt.hint) {
				t.Errorf("want %q in:\n%s", tt.hint, text)
			}
		})
	}
}

func TestTemplatesNameKnownSecretsOnly(t *testing.T) {
	for _, tt := range []struct{ name, content, hint string }{
		{"unknown secret", `[[ secret "passwrod" ]]`, `Did you mean "password"?`},
		{"unknown fact", `[[ .Nme ]]`, "Nme"},
		{"broken", `[[ secret`, "unclosed action"},
		{"endless", `[[ define "x" ]][[ template "x" . ]][[ template "x" . ]][[ end ]][[ template "x" . ]]`, "exceeded maximum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := userSpec(t, "services: {web: {image: web, secrets: [f]}}\nsecrets: {password: {x-portal: {generate: true}}, f: {file: f, x-portal: {template: true}}}\n")
			write(t, spec.Blueprint, "f", tt.content)
			if text := problems(t, spec).Error(); !strings.Contains(text, tt.hint) {
				t.Errorf("want %q in:\n%s", tt.hint, text)
			}
		})
	}
	spec := userSpec(t, "services: {web: {image: web, configs: [f]}}\nsecrets: {password: {x-portal: {generate: true}}}\nconfigs: {f: {content: '[[ secret \"password\" ]]', x-portal: {template: true}}}\n")
	if text := problems(t, spec).Error(); !strings.Contains(text, "under `secrets` instead") {
		t.Errorf("a secret in a config that all can read: %s", text)
	}
}

func TestSymbolicLinksAreNotFollowed(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("services: {web: {image: x}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, yaml := range []string{
		"volumes: ['./link:/x']", "volumes: ['./folder:/x']", "env_file: link",
		"extends: {file: link, service: web}", "extends: {file: folder/link, service: web}",
	} {
		t.Run(yaml, func(t *testing.T) {
			spec := userSpec(t, "services:\n  web:\n    image: web\n    "+yaml+"\n")
			write(t, spec.Blueprint, "folder/file", "x")
			for _, link := range []string{"link", "folder/link"} {
				if err := os.Symlink(secret, filepath.Join(spec.Blueprint, link)); err != nil {
					t.Fatal(err)
				}
			}
			if text := problems(t, spec).Error(); !strings.Contains(text, "symbolic link") {
				t.Errorf("want it refused as a symbolic link:\n%s", text)
			}
		})
	}
}

func TestAliasBombIsRefusedFast(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("x-a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 10; i++ {
		line := strings.ReplaceAll("x-aI: &aI [*aP,*aP,*aP,*aP,*aP,*aP,*aP,*aP,*aP,*aP]\n", "I", string(rune('0'+i)))
		bomb.WriteString(strings.ReplaceAll(line, "P", string(rune('0'+i-1))))
	}
	start := time.Now()
	text := problems(t, userSpec(t, bomb.String()+"services: {web: {image: web}}\n")).Error()
	if !strings.Contains(text, "aliases expanded") || time.Since(start) > 5*time.Second {
		t.Errorf("after %s: %s", time.Since(start), text)
	}
}

func TestHugeFilesAreRefused(t *testing.T) {
	spec := userSpec(t, "services: {web: {image: web, volumes: ['./big:/x']}}\n")
	if err := os.Truncate(filepath.Join(spec.Blueprint, "compose.yaml"), maxFile+1); err != nil {
		t.Fatal(err)
	}
	if text := problems(t, spec).Error(); !strings.Contains(text, "larger than 4 MiB") {
		t.Error(text)
	}
}

// No input makes Build panic or hang.
func FuzzBuild(f *testing.F) {
	files, err := filepath.Glob("testdata/wild/*/*.y*ml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "private-portal/compose.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, compose string) {
		_, _ = Build(context.Background(), userSpec(t, compose), testOptions)
	})
}
