# What ops/kubernetes/millrace.yaml declares, with its namespace and its secret: terraform init, then terraform apply.
terraform {
  required_version = ">= 1.5"
  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 2.30"
    }
  }
}

variable "namespace" {
  type    = string
  default = "analytics"
}

variable "image" {
  type        = string
  description = "The image that ops/kubernetes/Dockerfile makes, with its tag."
}

variable "secrets" {
  type        = map(string)
  sensitive   = true
  description = "MILLRACE_PASSWORD_ENGINEER and whatever else is secret, by the names in .env.example."
}

locals {
  declared  = [for text in split("\n---\n", file("${path.module}/../kubernetes/millrace.yaml")) : yamldecode(replace(text, "image: millrace\n", "image: ${var.image}\n"))]
  manifests = { for one in local.declared : "${one.kind}/${one.metadata.name}" => merge(one, { metadata = merge(one.metadata, { namespace = var.namespace }) }) }
}

resource "kubernetes_namespace" "millrace" {
  metadata {
    name = var.namespace
  }
}

resource "kubernetes_secret" "millrace" {
  metadata {
    name      = "millrace"
    namespace = kubernetes_namespace.millrace.metadata[0].name
  }
  data = var.secrets
}

resource "kubernetes_manifest" "millrace" {
  for_each   = local.manifests
  manifest   = each.value
  depends_on = [kubernetes_secret.millrace]
}

output "open" {
  value = "kubectl --namespace ${var.namespace} port-forward deployment/millrace 3000"
}
