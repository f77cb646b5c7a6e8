//! HTML pages: the index and the previews. Every value is escaped; there are no scripts.

use std::{fmt::Write, time::Duration};

use axum::response::Html;
use creatify_api::JobStatus;
use http::{HeaderName, header};
use serde_json::Value;

use crate::{
    credentials::{API_ID, API_KEY},
    job::Job,
    service::Service,
    templates::{Template, templates},
};

const CSS: &str = include_str!("../assets/page.css");
const SCENE_SECONDS: usize = 3;
const RECENT: usize = 20;

/// Returns the headers of every page: no scripts, and only pictures from other hosts.
pub(crate) fn headers(media_url: &str) -> [(HeaderName, String); 3] {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; \
         media-src {media_url}; \
         base-uri 'none'; form-action 'none'"
    );
    [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".into()),
        (header::REFERRER_POLICY, "no-referrer".into()),
    ]
}

/// Returns the preview of a job: its variables as a storyboard, and its video once there is one.
pub(crate) fn preview(service: &Service, job: &Job, now: Duration) -> Html<String> {
    let params = &job.params;
    let title = escape(params.name.as_deref().unwrap_or(params.template.name));
    let video = job.video(now).map(|_| {
        let url = service.video_url(job.id);
        format!(
            "<h2>Video</h2><video src=\"{url}\" autoplay muted loop playsinline controls></video>"
        )
    });
    let mut variables = String::new();
    for (name, value) in &params.variables {
        _ = write!(
            variables,
            "<tr><th>{}</th><td>{}</td></tr>",
            escape(name),
            escape(&display_text(value))
        );
    }
    if variables.is_empty() {
        variables = "<tr><td class=\"none\">No variables</td></tr>".into();
    }
    let body = format!(
        "<main>{stage}<div><h1>{title}</h1>\
         <p class=\"lead\">Preview of “{template}”, {seconds} s, {ratio}, model {model}. \
         Made by the sandbox.</p>{video}\
         <h2>Variables</h2><div class=\"scroll\"><table>{variables}</table></div></div></main>",
        stage = stage(job),
        template = escape(params.template.name),
        seconds = params.template.duration.as_secs(),
        ratio = params.template.aspect_ratio,
        model = params.model_version,
        video = video.unwrap_or_default(),
    );
    document(&title, "preview", "", &body)
}

/// Returns the texts and images, one scene after the other.
fn stage(job: &Job) -> String {
    let of_type = |known: &str, field: &str| -> Vec<&str> {
        let typed = job.params.variables.values().filter(|value| value["type"] == known);
        typed
            .filter_map(|value| value["properties"][field].as_str())
            .filter(|text| !text.trim().is_empty())
            .collect()
    };
    let mut texts = of_type("text", "content");
    let mut images = of_type("image", "url");
    images.retain(|url| url.starts_with("https://") || url.starts_with("http://"));
    if texts.is_empty() {
        texts.push(job.params.name.as_deref().unwrap_or(job.params.template.name));
    }
    let scenes = texts.len().max(images.len());
    let total = scenes * SCENE_SECONDS;
    let mut stage = String::new();
    for scene in 0..scenes {
        let image = images
            .get(scene % images.len().max(1))
            .map(|url| format!("<img src=\"{}\" alt=\"\">", escape(url)));
        let text = texts.get(scene).map(|text| {
            let class = if text.chars().count() > 60 { " class=\"long\"" } else { "" };
            format!("<p{class}>{}</p>", escape(text))
        });
        // A negative delay: each scene follows the one before, and the page opens after the fade.
        let timing = format!(
            "animation: scene {total}s linear -{}.5s infinite",
            (scenes - scene) * SCENE_SECONDS
        );
        let timing = if scenes > 1 { timing } else { String::new() };
        let (image, text) = (image.unwrap_or_default(), text.unwrap_or_default());
        _ = write!(
            stage,
            "<div class=\"scene c{}\" style=\"{timing}\">{image}{text}</div>",
            scene % 3
        );
    }
    // Each scene is visible for an equal share, with a short fade on both sides.
    let share = 100.0 / scenes as f64;
    let (fade, end) = (share * 0.12, share * 1.12);
    format!(
        "<style>@keyframes scene {{ 0%, {end:.2}%, 100% {{ opacity: 0 }} \
         {fade:.2}%, {share:.2}% {{ opacity: 1 }} }}</style>\
         <div class=\"stage r{ratio}\"><span class=\"mark\">PREVIEW</span>{stage}\
         <div class=\"bar\" style=\"animation-duration: {total}s\"></div></div>",
        ratio = job.params.template.aspect_ratio,
    )
}

/// Returns the page for a link without a preview.
pub(crate) fn no_preview() -> Html<String> {
    let body = "<main><div><h1>No preview here</h1>\
    <p class=\"lead\">The link is wrong, or the preview is not ready.</p></div></main>";
    document("No preview", "", "", body)
}

/// Returns the index page of the API host.
pub(crate) fn index(service: &Service) -> Html<String> {
    let mut cards = String::new();
    for template in templates() {
        _ = write!(
            cards,
            "<li><img src=\"{}/templates/{id}.svg\" alt=\"\"><div><b>{}</b> <small>{} s, {}\
             </small><small><code>{id}</code></small></div></li>",
            service.media_url,
            escape(template.name),
            template.duration.as_secs(),
            template.aspect_ratio,
            id = template.id,
        );
    }
    let (balance, charged, count, rows) = service.with_state(|state, now| {
        let row = |job: &Job| row(service, job, &job.view(now, state.settings.progress), now);
        let rows: String = state.newest().take(RECENT).map(row).collect();
        (state.balance().normalize(), state.charged().normalize(), state.job_count(), rows)
    });
    let jobs = if rows.is_empty() {
        "<p class=\"none\">None yet.</p>".to_owned()
    } else {
        format!(
            "<table><tr><th>Job</th><th>Template</th><th>Status</th><th>Credits</th>\
             <th>Results</th></tr>{rows}</table>"
        )
    };
    let url = &service.api_url;
    let body = format!(
        "<main><h1>Creatify sandbox</h1>\
         <p class=\"lead\">A local server for the Creatify custom-template API: jobs, credits, \
         previews, videos and \
         webhooks, in memory. No account is needed and no real credits are spent.</p>\
         <div class=\"facts\"><div><b>{balance}</b><span>credits left</span></div><div>\
         <b>{charged}</b><span>credits charged</span></div>\
         <div><b>{count}</b><span>jobs</span></div></div>\
         <h2>Settings</h2>\
         <pre>export CREATIFY_BASE_URL={url}\n\
         export CREATIFY_API_ID={API_ID}\nexport CREATIFY_API_KEY={API_KEY}</pre>\
         <h2>Jobs</h2><div class=\"scroll\">{jobs}</div>\
         <h2>Templates</h2><ul class=\"cards\">{cards}</ul></main>"
    );
    document("Creatify sandbox", "", "<meta http-equiv=\"refresh\" content=\"5\">", &body)
}

fn row(service: &Service, job: &Job, view: &crate::job::View, now: Duration) -> String {
    let name =
        job.params.name.as_deref().map(|name| format!("{}<br>", escape(name))).unwrap_or_default();
    let percent = view
        .progress
        .filter(|_| view.status == JobStatus::Running)
        .map(|progress| format!(" {:.0} %", progress * 100.0));
    let link = |label: &str, url: String| format!("<a href=\"{url}\">{label}</a> ");
    let preview = view.has_preview.then(|| link("preview", service.preview_url(job)));
    let video = job.video(now).map(|_| link("video", service.video_url(job.id)));
    let reason = view.failed_reason.map(escape);
    let results: String = [preview, video, reason].into_iter().flatten().collect();
    format!(
        "<tr><td>{name}<small><code>{}</code></small></td><td class=\"whole\">{}</td><td>\
         <span class=\"status {status}\">{status}{}</span></td><td>{}</td>\
         <td>{results}</td></tr>",
        job.id,
        escape(job.params.template.name),
        percent.unwrap_or_default(),
        view.credits_used.normalize(),
        status = view.status,
    )
}

/// Returns an SVG picture of a template.
pub(crate) fn poster(template: &Template) -> String {
    let (width, height) = match template.aspect_ratio {
        "16x9" => (160, 90),
        "1x1" => (120, 120),
        _ => (90, 160),
    };
    let (id, hue) = (template.id.as_u128(), (template.id.as_u128() >> 100) % 360);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\"><defs>\
         <linearGradient id=\"g{id:x}\" x2=\"1\" y2=\"1\">\
         <stop stop-color=\"hsl({hue} 45% 28%)\"/>\
         <stop offset=\"1\" stop-color=\"hsl({warm} 70% 62%)\"/></linearGradient></defs>\
         <rect width=\"{width}\" height=\"{height}\" rx=\"10\" fill=\"url(#g{id:x})\"/>\
         <path d=\"M{x} {y}l20 12-20 12z\" fill=\"#fff\" fill-opacity=\".9\"/></svg>",
        warm = (hue + 50) % 360,
        x = width / 2 - 8,
        y = height / 2 - 12,
    )
}

fn document(title: &str, class: &str, head: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">{head}\
         <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{CSS}</style></head>\
         <body class=\"{class}\">{body}</body></html>"
    ))
}

/// Returns the text, URL or id of a variable of a known type, otherwise its JSON.
fn display_text(value: &Value) -> String {
    let properties = &value["properties"];
    let known = ["content", "url", "avatar_id", "voice_id"]
        .iter()
        .find_map(|field| properties[*field].as_str());
    known.map_or_else(|| value.to_string(), str::to_owned)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_values_is_escaped() {
        assert_eq!(escape("<b a=\"1\" c='2'>&"), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;");
        assert_eq!(
            display_text(&serde_json::json!({ "type": "text", "properties": { "content": "Hi" } })),
            "Hi"
        );
        assert_eq!(display_text(&serde_json::json!([1])), "[1]");
    }
}
