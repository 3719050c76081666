"""Renders the chart with Helm's own engine and holds every manifest against the API's schemas and the restricted Pod Security Standard."""

import copy
import sys

import helm_python as helm
import kubernetes_validate
import yaml

KUBERNETES = ["1.30", "1.37"]
# Custom resources: no schema of theirs is at hand.
CUSTOM = {"ServiceMonitor", "PrometheusRule"}

EVERYTHING = {
    "service": {"type": "LoadBalancer", "redirectPort": 8080, "externalTrafficPolicy": "Local", "annotations": {"a": "b"}},
    "autoscaling": {"enabled": True},
    "monitoring": {"serviceMonitor": {"enabled": True, "labels": {"x": "y"}}, "prometheusRule": {"enabled": True}},
    "networkPolicy": {
        "from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        "consoleFrom": [{"namespaceSelector": {}}],
        "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
    },
    "env": [{"name": "JWT_SECRET", "valueFrom": {"secretKeyRef": {"name": "jwt", "key": "secret"}}}],
    "secretFiles": [{"name": "hooks", "secretName": "hooks"}],
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "tolerations": [{"operator": "Exists"}],
    "nodeSelector": {"e": "f"},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"annotations": {"g": "h"}},
    "image": {"digest": "sha256:" + "0" * 64},
}
CASES = {
    "as it comes": {},
    "everything on": EVERYTHING,
    "nothing kept": {"persistence": {"enabled": False}, "tls": {"secretName": ""}, "vault": {"secretName": ""}},
}
# Values that the schema must refuse, so that a slip of the pen is no silent default.
WRONG = [{"replicaCount": 3}, {"service": {"type": "Public"}}, {"image": {"digest": "latest"}}, {"config": ""}]


def main(folder):
    report = helm.lint(folder, strict=True, kube_version=f"v{KUBERNETES[-1]}.0")
    faults = report["errors"] or [message for message in report["messages"] if message["severity"] > 1]
    if faults:
        sys.exit(f"helm lint: {faults}")
    chart = helm.Chart.load(folder)
    for name, values in CASES.items():
        manifests = rendered(chart, values)
        for manifest in manifests:
            validate(manifest)
        pod = only(manifest for manifest in manifests if manifest["kind"] in ("StatefulSet", "Deployment"))
        is_restricted(pod["spec"]["template"]["spec"])
        print(f"deploy/helm, {name}: {len(manifests)} manifests hold")
    for values in WRONG:
        try:
            rendered(chart, values)
        except helm.HelmError:
            continue
        sys.exit(f"the chart takes {values}")


def rendered(chart, values):
    chart.validate_schema(chart.merge_values(values))
    files = chart.render(values, name="gate", namespace="edge", is_install=True)
    texts = [text for name, text in sorted(files.items()) if name.endswith(".yaml")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


def validate(manifest):
    if manifest["kind"] in CUSTOM:
        return
    for version in KUBERNETES:
        kubernetes_validate.validate(copy.deepcopy(manifest), version, strict=True)


def is_restricted(pod):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True and context["runAsUser"] > 0, context
    assert context["seccompProfile"]["type"] == "RuntimeDefault", context
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        assert not pod.get(key), key
    for volume in pod.get("volumes", []):
        assert set(volume) & {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected"}, volume
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False and own["readOnlyRootFilesystem"] is True, own
        assert own["capabilities"] == {"drop": ["ALL"]}, own
        assert not any(port.get("hostPort") for port in container["ports"]), container["ports"]


def only(manifests):
    (manifest,) = manifests
    return manifest


if __name__ == "__main__":
    main(sys.argv[1])
