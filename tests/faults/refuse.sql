-- What the base refuses, as a data owner's own trigger may: items whose ids are marked.

CREATE FUNCTION refuse_grain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.grain_id LIKE 'refused-500-%' THEN
        RAISE EXCEPTION 'this grain is not wanted'; -- Directus answers 500
    ELSIF NEW.grain_id LIKE 'refused-400-%' THEN
        RAISE EXCEPTION 'this grain is too long' USING ERRCODE = '22001'; -- VALUE_TOO_LONG
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_grain BEFORE INSERT OR UPDATE ON progress
    FOR EACH ROW EXECUTE FUNCTION refuse_grain();

CREATE FUNCTION refuse_learner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.external_user_id LIKE 'refused-%' THEN
        RAISE EXCEPTION 'this learner is not wanted';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse_learner BEFORE INSERT OR UPDATE ON apprenants
    FOR EACH ROW EXECUTE FUNCTION refuse_learner();
