//! Models and what is built on them.

use crate::secrets::pattern::{Form, Pattern, assigned, token};

pub(super) const TABLE: &[Pattern] = &[
    token(
        "openai-key",
        ["OpenAI", "API key"],
        &["sk-"],
        r"sk-((?:proj|svcacct|admin)-[\w-]{20,90}T3BlbkFJ[\w-]{20,90}|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})",
        ["sk-proj-{a74}T3BlbkFJ{a74}", "sk-proj-{a74}"],
    )
    .critical(),
    token(
        "anthropic-key",
        ["Anthropic", "API key"],
        &["sk-ant-"],
        r"sk-ant-(?:api03|admin01|oat01)-([\w-]{80,110})",
        ["sk-ant-api03-{a93}AA", "sk-ant-api03-{a40}"],
    )
    .critical(),
    token(
        "openrouter-key",
        ["OpenRouter", "API key"],
        &["sk-or-v1-"],
        r"sk-or-v1-([0-9a-f]{64})",
        ["sk-or-v1-{h64}", "sk-or-v1-{h60}"],
    ),
    token(
        "huggingface-token",
        ["Hugging Face", "access token"],
        &["hf_"],
        r"hf_([a-zA-Z]{34})",
        ["hf_{c34}", "hf_{c30}"],
    )
    .entropy(3.8),
    token(
        "huggingface-org-token",
        ["Hugging Face", "organization token"],
        &["api_org_"],
        r"api_org_([a-zA-Z]{34})",
        ["api_org_{c34}", "api_org_{c30}"],
    ),
    token("replicate-token", ["Replicate", "API token"], &["r8_"], r"r8_([A-Za-z0-9]{37})", ["r8_{a37}", "r8_{a30}"]),
    token("groq-key", ["Groq", "API key"], &["gsk_"], r"gsk_([A-Za-z0-9]{52})", ["gsk_{a52}", "gsk_{a40}"]),
    token(
        "perplexity-key",
        ["Perplexity", "API key"],
        &["pplx-"],
        r"pplx-([A-Za-z0-9]{48})",
        ["pplx-{a48}", "pplx-{a40}"],
    ),
    token("xai-key", ["xAI", "API key"], &["xai-"], r"xai-([A-Za-z0-9]{80})", ["xai-{a80}", "xai-{a60}"]),
    token("fireworks-key", ["Fireworks", "API key"], &["fw_"], r"fw_([A-Za-z0-9]{22,24})", ["fw_{a22}", "fw_{a16}"])
        .entropy(3.6),
    token(
        "langsmith-key",
        ["LangSmith", "API key"],
        &["lsv2_"],
        r"lsv2_(?:pt|sk)_([0-9a-f]{32}_[0-9a-f]{10})",
        ["lsv2_pt_{h32}_{h10}", "lsv2_pt_{h32}"],
    ),
    token(
        "langfuse-key",
        ["Langfuse", "secret key"],
        &["sk-lf-"],
        r"sk-lf-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})",
        ["sk-lf-{U}", "sk-lf-{h32}"],
    ),
    token(
        "tavily-key",
        ["Tavily", "API key"],
        &["tvly-"],
        r"tvly-((?:dev-|prod-)?[A-Za-z0-9]{32})",
        ["tvly-dev-{a32}", "tvly-{a20}"],
    ),
    token("nvidia-key", ["NVIDIA", "API key"], &["nvapi-"], r"nvapi-([\w-]{64})", ["nvapi-{a64}", "nvapi-{a50}"]),
    token(
        "deepseek-key",
        ["DeepSeek", "API key"],
        &["deepseek"],
        "",
        ["DEEPSEEK_API_KEY=sk-{h32}", "DEEPSEEK_API_KEY=sk-{h30}"],
    )
    .form(Form::Assigned("sk-[0-9a-f]{32}")),
    token(
        "pinecone-key",
        ["Pinecone", "API key"],
        &["pcsk_"],
        r"pcsk_([A-Za-z0-9]{5,6}_[A-Za-z0-9]{60,64})",
        ["pcsk_{a6}_{a63}", "pcsk_{a6}_{a40}"],
    ),
    assigned(
        "cohere-key",
        ["Cohere", "API key"],
        &["cohere", "co_api_key"],
        "[A-Za-z0-9]{40}",
        ["COHERE_API_KEY={a40}", "COHERE_API_KEY={a30}"],
    )
    .entropy(3.9),
    assigned(
        "mistral-key",
        ["Mistral", "API key"],
        &["mistral"],
        "[A-Za-z0-9]{32}",
        ["MISTRAL_API_KEY={a32}", "MISTRAL_API_KEY={a28}"],
    )
    .entropy(3.8),
    assigned(
        "assemblyai-key",
        ["AssemblyAI", "API key"],
        &["assemblyai", "assembly_ai"],
        "[0-9a-f]{32}",
        ["ASSEMBLYAI_API_KEY={h32}", "ASSEMBLYAI_API_KEY={h30}"],
    ),
    assigned(
        "elevenlabs-key",
        ["ElevenLabs", "API key"],
        &["elevenlabs", "eleven_api", "xi-api-key", "xi_api_key"],
        "(?:sk_)?[0-9a-f]{32,48}",
        ["ELEVENLABS_API_KEY=sk_{h48}", "ELEVENLABS_API_KEY=sk_{h20}"],
    ),
    assigned(
        "together-key",
        ["Together", "API key"],
        &["together"],
        "[0-9a-f]{64}",
        ["TOGETHER_API_KEY={h64}", "TOGETHER_API_KEY={h60}"],
    ),
    assigned(
        "weights-and-biases-key",
        ["Weights & Biases", "API key"],
        &["wandb"],
        "[0-9a-f]{40}",
        ["WANDB_API_KEY={h40}", "WANDB_API_KEY={h38}"],
    ),
    assigned(
        "deepgram-key",
        ["Deepgram", "API key"],
        &["deepgram"],
        "[0-9a-f]{40}",
        ["DEEPGRAM_API_KEY={h40}", "DEEPGRAM_API_KEY={h38}"],
    ),
    token(
        "apify-token",
        ["Apify", "API token"],
        &["apify_api_"],
        r"apify_api_([A-Za-z0-9]{36})",
        ["apify_api_{a36}", "apify_api_{a30}"],
    ),
    token("firecrawl-key", ["Firecrawl", "API key"], &["fc-"], r"fc-([0-9a-f]{32})", ["fc-{h32}", "fc-{h30}"])
        .entropy(3.1),
];
